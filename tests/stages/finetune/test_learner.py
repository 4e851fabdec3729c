"""What both trainers are given alike, without a run."""

import os
from typing import Any

import pytest

from ryot.plugins import NodeError
from ryot.stages.train.stage import ModelShape
from tests.stages.train.conftest import SHAPES

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def learner() -> Any:
    """The module under test; it imports torch and PEFT."""
    from ryot.stages.finetune import learner as module  # noqa: PLC0415

    return module


def built(shape: ModelShape) -> Any:
    from ryot.stages.train import model as models  # noqa: PLC0415
    from ryot.stages.train.documents import Specials  # noqa: PLC0415

    return models.network(shape, Specials(None, 1, 2))


def test_the_process_leaves_torchrun_s_world_and_takes_one_gpu(learner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "CUDA_VISIBLE_DEVICES": "3,5"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "0")
    learner.alone("cuda")
    assert not {"RANK", "WORLD_SIZE", "LOCAL_RANK"} & set(os.environ)
    assert (os.environ["CUDA_VISIBLE_DEVICES"], os.environ["HF_HUB_DISABLE_TELEMETRY"]) == ("3", "1")


def test_a_gpt_s_own_dropout_is_off_and_its_positions_stay(learner: Any) -> None:
    import torch  # noqa: PLC0415

    model = learner.undropped(built(SHAPES["gpt"].model_copy(update={"dropout": 0.5}))).train()
    ids = torch.arange(20)[None]
    assert torch.equal(model(ids).logits, model(ids).logits)
    learner.freeze_positions(model)
    frozen = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
    assert frozen == ["transformer.wpe.weight"]


@pytest.mark.parametrize(("logs", "words"), [
    ({"loss": float("nan"), "grad_norm": 1.0}, "update 3 of 9 has the loss nan"),
    ({"loss": float("inf"), "grad_norm": 1.0}, "update 3 of 9 has the loss inf"),
    ({"loss": 2.5, "grad_norm": float("inf")}, r"update 3 of 9 has the gradient norm inf \(loss 2.5, lr 0.001\)"),
])  # fmt: skip
def test_what_is_no_number_is_refused_and_named(learner: Any, logs: dict[str, float], words: str) -> None:
    with pytest.raises(NodeError, match=words):
        learner._refuse(logs | {"learning_rate": 1e-3}, 3, 9)
    learner._refuse({"loss": 2.5, "grad_norm": 0.1, "learning_rate": 1e-3}, 3, 9)
