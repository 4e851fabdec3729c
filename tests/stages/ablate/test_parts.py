"""Which parts a run had, and which runs tell what each is worth."""

from typing import Any

import pytest

from ryot.stages.ablate.parts import name_of, parts_of, settings, variants
from ryot.stages.train.stage import CompressorChoice, KernelChoice, Recipe, TrainConfig
from tests.stages.train.conftest import SHAPES

BASELINE = TrainConfig(model=SHAPES["gpt"], recipe=Recipe(batch_size=4, steps=10, lr=1e-2), kernel=KernelChoice(level=0))
STACK = BASELINE.model_copy(update={"kernel": KernelChoice(level=3), "compressor": CompressorChoice(ratio=0.3)})
ALL = {"rows": 8, "precision": "bf16", "compile": True, "packing": True, "attention": "sdpa", "dropout": "drawn"}


def level(config: TrainConfig, number: int) -> TrainConfig:
    return config.model_copy(update={"kernel": KernelChoice(level=number)})


def test_parts_are_what_the_run_chose_and_not_what_the_spec_allowed() -> None:
    assert parts_of(BASELINE, STACK, ALL) == {"attention", "adamw", "bf16", "compile", "dropout", "packing", "rows"}
    assert parts_of(BASELINE, STACK, {"rows": 4, "precision": "fp32", "compile": False, "attention": "eager"}) == {"adamw", "packing"}


@pytest.mark.parametrize(
    ("baseline", "optimized", "parts"), [(0, 2, {"attention", "adamw", "compile", "packing"}), (1, 1, {"packing"}), (0, 0, {"packing"})]
)
def test_what_both_sides_have_is_no_part(baseline: int, optimized: int, parts: set[str]) -> None:
    assert parts_of(level(BASELINE, baseline), level(STACK, optimized), {}) == parts


def test_packing_that_the_run_left_out_is_no_part() -> None:
    assert "packing" not in parts_of(BASELINE, STACK, {"packing": False})


def test_a_recipe_in_bf16_has_it_on_both_sides() -> None:
    half = BASELINE.recipe.model_copy(update={"precision": "bf16"})
    sides = [side.model_copy(update={"recipe": half}) for side in (BASELINE, STACK)]
    assert "bf16" not in parts_of(*sides, {"precision": "bf16"})


def test_every_part_is_left_out_once_and_alone_once() -> None:
    parts = frozenset({"adamw", "bf16", "packing"})
    named = [name_of(variant, parts) for variant in variants(parts)]
    assert named == [
        "baseline", "stack", "without adamw", "without bf16", "without packing", "only adamw", "only bf16", "only packing",
    ]  # fmt: skip


@pytest.mark.parametrize(("parts", "count"), [({"bf16"}, 2), ({"bf16", "adamw"}, 4)])
def test_a_run_that_is_two_variants_is_timed_once(parts: set[str], count: int) -> None:
    found = variants(frozenset(parts))
    assert len(found) == count
    assert len({name_of(variant, frozenset(parts)) for variant in found}) == count


def test_the_empty_variant_is_the_baseline_and_the_full_one_what_the_run_chose() -> None:
    parts = parts_of(BASELINE, STACK, ALL)
    plain, told = settings(frozenset(), BASELINE, STACK, ALL)
    without = {"rows": 4, "compile": False, "precision": "fp32", "packing": False, "attention": "eager", "dropout": "torch's"}
    assert (plain, told) == (BASELINE, without)
    full, told = settings(parts, BASELINE, STACK, ALL)
    assert (full.kernel.level, full.compressor, told) == (1, STACK.compressor, ALL)


@pytest.mark.parametrize("part", ["attention", "adamw", "bf16", "compile", "dropout", "packing", "rows"])
def test_a_part_alone_changes_one_thing(part: str) -> None:
    config, told = settings(frozenset({part}), BASELINE, STACK, ALL)
    plain, untold = settings(frozenset(), BASELINE, STACK, ALL)
    changed: list[Any] = [name for name in told if told[name] != untold[name]]
    changed += ["kernel"] if config.kernel != plain.kernel else []
    assert (config.compressor is not None) is told["packing"]
    assert len(changed) == 1
