"""Every answer of a sample, recomputed by a path that the generator does not use: `recomputed/` has a function for each template.

The sample is even over all cells, of base examples and of those at the ends of their parameters.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from ryot.stages.data.generator.catalog import TEMPLATES
from ryot.stages.data.generator.composition import KINDS
from ryot.stages.data.generator.example import Cell, draw
from ryot.stages.data.generator.units import cells_of
from ryot.stages.data.records import Document
from ryot.stages.data.stage import GeneratorSource

SAMPLE = 2000
CELLS = cells_of(GeneratorSource(examples=1))
EACH = -(-SAMPLE // len(CELLS))
"""Draws of a cell: half of them base, half at the edges, at least one of both."""
Recompute = Callable[[str], str]


@cache
def recomputed() -> dict[str, Recompute]:
    """Template name to a function from question to answer, of every module in `recomputed/` that has some. No name stands in two."""
    found: dict[str, Recompute] = {}
    for path in sorted((Path(__file__).parent / "recomputed").glob("*.py")):
        own: dict[str, Recompute] = getattr(import_module(f"tests.stages.data.recomputed.{path.stem}"), "RECOMPUTE", {})
        assert not own.keys() & found.keys(), f"{path.name} repeats {sorted(own.keys() & found.keys())}"
        found |= own
    return found


def test_every_template_is_recomputed_and_nothing_else() -> None:
    assert set(recomputed()) == {template.name for template in TEMPLATES}


def test_the_sample_is_large_enough_and_even() -> None:
    assert EACH * len(CELLS) >= SAMPLE
    assert EACH >= 2


@pytest.mark.parametrize("name", [template.name for template in TEMPLATES])
def test_answers_are_recomputed_text_for_text(name: str) -> None:
    recompute = recomputed()[name]
    differing, compared = [], 0
    for cell in (cell for cell in CELLS if cell.template.name == name):
        for kind, each in (("base", EACH - EACH // 2), ("edge", EACH // 2)):
            for document in _documents(cell, kind, each):
                compared += 1
                question, answer = str(document.meta["question"]), document.meta["answer"]
                if (other := recompute(question)) != answer:
                    differing.append((question, answer, other))
    assert differing == []
    assert compared == 4 * EACH


def _documents(cell: Cell, kind: str, wanted: int) -> list[Document]:
    """The first so many that may be emitted; a cell that gives none for long is a failure, not a pass."""
    found: list[Document] = []
    for index in range(20 * wanted + 200):
        document = draw(20, cell, index, KINDS[kind]).document
        found += [] if document is None else [document]
        if len(found) == wanted:
            return found
    raise AssertionError(f"{cell.name} gave {len(found)} {kind} examples of {wanted}")
