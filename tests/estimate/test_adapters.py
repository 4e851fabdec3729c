"""The count of adapters' numbers, by hand and held against PEFT's own."""

from typing import Any

import pytest

from ryot.estimate.adapters import adapter_parameters
from ryot.spec.model import Model
from ryot.stages.finetune.modules import present
from tests.stages.train.conftest import SHAPES


def test_fused_attention_of_two_blocks_by_hand() -> None:
    model = Model.model_validate({"preset": "ryot-tiny"})  # two blocks of width 64
    assert adapter_parameters(model, ("attn.c_attn", "attn.c_proj"), 8) == 2 * 8 * (64 + 3 * 64 + 64 + 64)


@pytest.mark.heavy
@pytest.mark.parametrize("family", ["gpt", "llama", "hybrid"])
def test_every_matrix_s_count_is_peft_s(family: str) -> None:
    from peft import LoraConfig, get_peft_model  # noqa: PLC0415 - only the heavy tests pay for it

    from ryot.stages.train import model as models  # noqa: PLC0415
    from ryot.stages.train.documents import Specials  # noqa: PLC0415

    shape = SHAPES[family]
    model = Model.model_validate(shape.model_dump())
    for names in ([name] for name in present(shape)):
        network = models.network(shape, Specials(None, 1, 2))
        adapted: Any = get_peft_model(network, LoraConfig(r=3, target_modules=names))
        assert adapter_parameters(model, names, 3) == models.parameter_count(adapted, trainable=True), names
