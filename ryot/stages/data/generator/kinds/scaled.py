"""Difficulty-scaled: the neighbouring difficulty's problem from the same draw. It keeps some of the numbers or names, never the answer."""

import re

from ryot.stages.data.generator.example import Cell, Kind, Variant, random_of
from ryot.stages.data.generator.problem import DIFFICULTIES

_TOLD = re.compile(r"\d[\w.]*|(?<=[a-z,] )[A-Z]\w+")


def make(seed: int, cell: Cell, index: int) -> Variant | str:
    """A cell's problem made from the index-th draw of the difficulty below or, where that gives none, of the one above."""
    why = "no other difficulty"
    for level in (cell.level - 1, cell.level + 1):
        if 0 <= level < len(DIFFICULTIES):
            found = _from(Cell(cell.template, level), seed, cell, index)
            if isinstance(found, Variant):
                return found
            why = found
    return why


def _from(origin_cell: Cell, seed: int, cell: Cell, index: int) -> Variant | str:
    origin = origin_cell.template.make(random_of(seed, origin_cell, index), origin_cell.level)
    rng = random_of(seed, origin_cell, index)
    problem = cell.template.make(rng, cell.level)
    if problem.answer == origin.answer or problem.question == origin.question:
        return "the scaled answer is the same"
    if not _kept(problem.question, origin.question):
        return "nothing of the origin is kept"
    if not cell.template.check(origin.question, origin.answer):
        return "the check refuses the origin"
    return Variant(problem, problem.question, rng, {"scaled_from": origin.question})


def _kept(question: str, origin: str) -> bool:
    """Whether a number or name of the origin is there again; one digit alone may be chance, two are taken."""
    kept = told(question) & told(origin)
    return len(kept) > 1 or any(len(word) > 1 for word in kept)


def told(question: str) -> set[str]:
    """The numbers and the names of a question, as they are written."""
    return {found.rstrip(".") for found in _TOLD.findall(question)}


SCALED = Kind("scaled", make)
