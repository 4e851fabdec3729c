"""Which matrices may get an adapter, and what is said of the others."""

import pytest

from ryot.plugins import SpecError
from ryot.stages.finetune.modules import ATTENTION, adapted, present
from tests.stages.train.conftest import SHAPES


@pytest.mark.parametrize("family", ["gpt", "llama", "hybrid"])
def test_attention_is_adapted_by_default(family: str) -> None:
    assert adapted(SHAPES[family], (), "finetune") == ATTENTION[family]


def test_what_is_asked_for_comes_once_and_in_the_family_s_order() -> None:
    assert adapted(SHAPES["llama"], ("up_proj", "q_proj", "up_proj"), "finetune") == ("q_proj", "up_proj")


@pytest.mark.parametrize(("family", "name"), [("gpt", "q_proj"), ("llama", "attn.c_attn"), ("hybrid", "mamba.out_proj"), ("gpt", "c_proj")])
def test_a_matrix_that_is_not_there_is_refused_with_those_that_are(family: str, name: str) -> None:
    with pytest.raises(SpecError, match=rf"finetune.lora.modules: this model \({family}\) has no '{name}'") as caught:
        adapted(SHAPES[family], (name,), "finetune")
    assert all(known in (caught.value.hint or "") for known in present(SHAPES[family]))


@pytest.mark.parametrize("name", ["lm_head", "embed_tokens", "wte"])
def test_a_tied_head_is_refused_for_it_cannot_be_merged(name: str) -> None:
    with pytest.raises(SpecError, match="the output head and the embedding at once"):
        adapted(SHAPES["gpt"], (name,), "finetune")


def test_an_untied_head_is_refused_for_it_would_not_be_trained() -> None:
    with pytest.raises(SpecError, match="would never be trained"):
        adapted(SHAPES["llama"], ("lm_head",), "align")


def test_a_hybrid_without_attention_has_no_default() -> None:
    mixers = SHAPES["hybrid"].model_copy(update={"attention_layers": ()})
    assert "q_proj" not in present(mixers)
    with pytest.raises(SpecError, match="no layer with attention"):
        adapted(mixers, (), "finetune")
    assert adapted(mixers, ("mamba.in_proj",), "finetune") == ("mamba.in_proj",)


def test_a_hybrid_without_mixers_has_none_to_adapt() -> None:
    attention = SHAPES["hybrid"].model_copy(update={"attention_layers": (0, 1, 2)})
    assert "mamba.in_proj" not in present(attention)


@pytest.mark.heavy
@pytest.mark.parametrize("family", ["gpt", "llama", "hybrid"])
def test_every_name_is_a_matrix_of_the_real_network(family: str) -> None:
    from ryot.stages.train import model as models  # noqa: PLC0415 - only the heavy tests pay for it
    from ryot.stages.train.documents import Specials  # noqa: PLC0415

    network = models.network(SHAPES[family], Specials(None, 1, 2))
    matrices = [
        name for name, module in network.named_modules() if getattr(module, "weight", None) is not None and module.weight.dim() == 2
    ]
    assert all(any(name.endswith(f".{wanted}") for name in matrices) for wanted in present(SHAPES[family]))
