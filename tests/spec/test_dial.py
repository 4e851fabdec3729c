"""The size dial: every wish from 1M to 13B is met within 5 %, in shapes like those that are published, around what the author wrote."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ryot.estimate.parameters import count_parameters
from ryot.spec.dial import HEAD_SIZES, NEAR
from ryot.spec.model import Model

FAMILIES = ("gpt", "llama", "hybrid")


def dialled(family: str, params: object, **fields: Any) -> Model:
    return Model.model_validate({"family": family, "params": params, **fields})


def near(model: Model) -> bool:
    return model.params is not None and abs(count_parameters(model).total / model.params - 1) <= NEAR


def is_sane(model: Model) -> bool:
    """What holds of every derived shape: heads that vLLM serves, a width of whole heads, a depth within 4 times of the rule."""
    size, depth = model.hidden_size // model.heads, model.hidden_size**0.5 / 2
    usual = 4 if model.family == "gpt" else 8 / 3
    return (
        size in HEAD_SIZES and model.hidden_size % 32 == 0 and depth / 4 <= model.layers <= depth * 4 + 1
        and 0.75 <= model.ffn_size / model.hidden_size / usual <= 1.35
        and (model.family != "hybrid" or 0 < model.attention_count < model.layers)
    )  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("params", [int(1e6 * 1.35**power) for power in range(32)] + [13_000_000_000])
def test_every_size_on_the_grid_is_met_within_five_per_cent(family: str, params: int) -> None:
    model = dialled(family, params)
    assert near(model)
    assert is_sane(model)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(FAMILIES), st.integers(1_000_000, 13_000_000_000), st.booleans(), st.sampled_from([256, 512, 1024, 2048]))
@example("gpt", 1_000_000, False, 2048)
def test_any_size_is_met_with_a_small_vocabulary(family: str, params: int, tied: bool, context: int) -> None:
    model = dialled(family, params, tied=tied, context=context, vocab_size=2048)
    assert near(model)
    assert is_sane(model)
    assert (model.tied, model.context, model.vocab_size) == (tied, context, 2048)


# Width and layers at a total of parameters: Brown et al. 2020, table 2.1; Touvron et al. 2023, table 2; Biderman et al. 2023, table 1.
# gpt counts one embedding of 50,257 and 2,048 positions; llama and Pythia have two embeddings.
PUBLISHED = [
    ("gpt", 125_000_000, 768, 12, {}), ("gpt", 356_000_000, 1024, 24, {}), ("gpt", 760_000_000, 1536, 24, {}),
    ("gpt", 1_316_000_000, 2048, 24, {}), ("gpt", 2_651_000_000, 2560, 32, {}), ("gpt", 6_658_000_000, 4096, 32, {}),
    ("gpt", 12_853_000_000, 5140, 40, {}),
    ("llama", 6_738_000_000, 4096, 32, {"tied": False}), ("llama", 13_016_000_000, 5120, 40, {"tied": False}),
    ("gpt", 1_414_000_000, 2048, 24, {"tied": False}), ("gpt", 11_846_000_000, 5120, 36, {"tied": False}),
]  # fmt: skip


@pytest.mark.parametrize(("family", "params", "width", "layers", "fields"), PUBLISHED)
def test_shapes_are_like_the_published_ones(family: str, params: int, width: int, layers: int, fields: dict[str, Any]) -> None:
    model = dialled(family, params, **fields)
    assert 1 / 1.3 <= model.hidden_size / width <= 1.3
    assert 1 / 1.7 <= model.layers / layers <= 1.7


def test_125m_is_gpt_2_small_but_for_its_feed_forward() -> None:
    model = dialled("gpt", "125M")
    assert (model.hidden_size, model.layers, model.heads, model.vocab_size, model.context) == (768, 12, 12, 50257, 1024)


@pytest.mark.parametrize(
    "fields",
    [
        {"hidden_size": 640}, {"layers": 20}, {"heads": 8}, {"kv_heads": 2}, {"ffn_size": 2048}, {"vocab_size": 5000}, {"context": 512},
        {"hidden_size": 512, "layers": 30}, {"tied": False, "rope_theta": 500000.0, "dropout": 0.0},
    ],
)  # fmt: skip
def test_what_the_author_wrote_stands(fields: dict[str, Any]) -> None:
    model = dialled("llama", "100M", **fields)
    assert {name: getattr(model, name) for name in fields} == fields
    assert near(model)


def test_a_hybrids_own_layers_and_mixers_stand() -> None:
    fields = {"attention_layers": [0, 9], "mamba": {"state_size": 64, "head_size": 32, "expand": 1}}
    model = dialled("hybrid", "100M", **fields)
    assert (model.attention_layers, model.mixer.expand) == ((0, 9), 1)
    assert model.layers > 9
    assert near(model)


def test_a_derived_model_says_itself_again() -> None:
    model = dialled("hybrid", "30M")
    assert Model.model_validate(model.model_dump()) == model


def test_the_wish_is_no_part_of_the_shape() -> None:
    assert dialled("llama", "100M").shape() == Model.model_validate(dialled("llama", "100M").shape()).shape()
    assert "params" not in dialled("llama", "100M").shape()


def test_larger_wishes_give_larger_models() -> None:
    totals = [count_parameters(dialled("llama", int(1e6 * 1.5**power))).total for power in range(24)]
    assert totals == sorted(set(totals))


@pytest.mark.parametrize(("fields", "words"), [
    ({"params": "1M", "vocab_size": 50257}, "the embedding alone has vocab_size 50,257 x hidden_size 32 = 1,608,224"),
    ({"params": "100M", "hidden_size": 64, "layers": 2}, "the nearest shape with the fields that are given has"),
    ({"params": "100M", "heads": 7, "hidden_size": 512}, "no shape fits params 100,000,000"),
    ({"params": "100M", "preset": "llama-tiny"}, "params and preset both choose the shape"),
])  # fmt: skip
def test_a_wish_that_cannot_be_is_refused_with_its_numbers(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Model.model_validate({"family": "llama", **fields})


def test_only_the_wrong_field_is_told() -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"family": "llama", "params": "100M", "layers": "many"})
    assert [error["loc"] for error in caught.value.errors()] == [("layers",)]
