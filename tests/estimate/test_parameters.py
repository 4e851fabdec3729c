"""Parameter counts against published figures, and against the networks that are trained, for all presets and for random shapes."""

import random
import re
from typing import Any

import pytest

from ryot.estimate.parameters import count_parameters
from ryot.spec.model import Model
from ryot.spec.presets import MODELS


def model(**fields: object) -> Model:
    return Model.model_validate(fields)


@pytest.mark.parametrize(("tied", "total"), [(True, 9_526_272), (False, 10_574_848)])
def test_scaled_model_has_the_parameters_that_were_served(tied: bool, total: int) -> None:
    found = count_parameters(model(preset="ryot-scaled", tied=tied))
    assert found.total == total
    assert found.total - found.trainable == 128 * 512  # the position table is frozen


def test_gpt2_small_has_its_124_million() -> None:
    gpt2 = model(family="gpt", vocab_size=50257, hidden_size=768, layers=12, heads=12, ffn_size=3072, context=1024)
    assert count_parameters(gpt2).total == 124_439_808


def test_llama_2_7b_and_3_8b_have_their_published_counts() -> None:
    llama2 = model(
        family="llama", vocab_size=32000, hidden_size=4096, layers=32, heads=32, ffn_size=11008, context=4096, tied=False
    )  # fmt: skip
    llama3 = model(
        family="llama", vocab_size=128256, hidden_size=4096, layers=32, heads=32, kv_heads=8, ffn_size=14336, context=8192, tied=False
    )  # fmt: skip
    assert count_parameters(llama2).total == 6_738_415_616
    assert count_parameters(llama3).total == 8_030_261_248


@pytest.mark.parametrize(
    ("preset", "described", "built"),
    [("1.3b", 1.19e9, 1.95e9), ("2.7b", 2.25e9, 3.84e9), ("6.7b", 5.47e9, 9.52e9), ("13b", 10.05e9, 18.3e9)],
)
def test_hybrids_have_two_counts(preset: str, described: float, built: float) -> None:
    found = count_parameters(model(preset=f"hybrid-{preset}"))
    assert found.described == pytest.approx(described, rel=0.01)
    assert found.total == pytest.approx(built, rel=0.01)


@pytest.mark.parametrize("preset", [name for name in MODELS if not name.startswith("hybrid")])
def test_other_models_are_built_as_described(preset: str) -> None:
    found = count_parameters(model(preset=preset))
    assert found.described == found.total
    assert found.described_formula == found.formula


@pytest.mark.parametrize("preset", list(MODELS))
@pytest.mark.parametrize("tied", [True, False])
def test_formulas_give_the_counts(preset: str, tied: bool) -> None:
    found = count_parameters(model(preset=preset, tied=tied))
    values = {name: int(value.replace(",", "")) for name, value in (symbol.split(" ") for symbol in found.symbols.split(", "))}
    assert evaluate(found.formula, values) == found.total
    assert evaluate(found.described_formula, values) == found.described


def evaluate(formula: str, values: dict[str, int]) -> int:
    """The value of a formula in which products are written side by side."""
    python = re.sub(r"(?<=[\w)]) (?=[\w(])", " * ", formula.replace("^", "**"))
    return int(eval(python, {"__builtins__": {}}, values))  # noqa: S307 - of ryot's own formulas


def shapes(n: int) -> list[Model]:
    """`n` random models of each family."""
    draw = random.Random(11)
    return [_shape(draw, family) for family in ("gpt", "llama", "hybrid") for _ in range(n)]


def _shape(draw: random.Random, family: str) -> Model:
    heads, size = draw.choice([1, 2, 4, 6, 8]), 2 * draw.randint(4, 16)
    layers, hybrid = draw.randint(1, 4), {}
    kv_heads = draw.choice([h for h in range(1, heads + 1) if heads % h == 0]) if family != "gpt" else None
    if family == "hybrid":
        hybrid["attention_layers"] = sorted(draw.sample(range(layers), draw.randint(0, layers)))
        if draw.random() < 0.8:
            hybrid["mamba"] = _mixer(draw, heads * size)
        elif heads * size % 32:
            size = 32
    return model(
        family=family, vocab_size=draw.randint(260, 900), hidden_size=heads * size, layers=layers, heads=heads,
        kv_heads=kv_heads, ffn_size=draw.randint(8, 200), context=draw.randint(8, 96), tied=draw.random() < 0.5,
        dropout=draw.choice([0.0, 0.1]), **hybrid,
    )  # fmt: skip


def _mixer(draw: random.Random, width: int) -> dict[str, int]:
    expand = draw.randint(1, 3)
    head_size = draw.choice([size for size in range(1, expand * width + 1) if expand * width % size == 0])
    heads = expand * width // head_size
    groups = draw.choice([count for count in range(1, heads + 1) if heads % count == 0])
    return {
        "state_size": draw.randint(1, 40), "head_size": head_size, "expand": expand, "conv_size": draw.randint(1, 6), "groups": groups,
    }  # fmt: skip


def shape_of(spec_model: Model) -> Any:
    """The shape the train stage builds."""
    from ryot.stages.train.stage import ModelShape  # noqa: PLC0415 - only the heavy tests need a stage

    return ModelShape.model_validate(spec_model.shape())


@pytest.mark.heavy
@pytest.mark.parametrize("chosen", [*MODELS, "gpt", "llama", "hybrid"])
def test_counts_are_those_of_the_network_that_is_trained(chosen: str) -> None:
    torch = pytest.importorskip("torch")
    from ryot.stages.train import model as models  # noqa: PLC0415 - it imports torch
    from ryot.stages.train.documents import Specials  # noqa: PLC0415

    found = [model(preset=chosen)] if chosen in MODELS else [shape for shape in shapes(200) if shape.family == chosen]
    for shape in found:
        with torch.device("meta"):
            built = models.network(shape_of(shape), Specials(bos=None, eos=1, pad=2))
        assert count_parameters(shape).total == sum(parameter.numel() for parameter in built.parameters()), shape


@pytest.mark.heavy
def test_frozen_positions_are_not_counted_as_trainable() -> None:
    pytest.importorskip("torch")
    from ryot.stages.train import model as models  # noqa: PLC0415
    from ryot.stages.train.documents import Specials  # noqa: PLC0415

    for shape in shapes(4):
        built = models.build(shape_of(shape), Specials(bos=None, eos=1, pad=2), seed=0)
        assert count_parameters(shape).trainable == models.parameter_count(built, trainable=True), shape
