"""Domain-transferred: a problem that names, as its first step, one of another domain that is solved by the same formula.

The correspondence is found, not asserted: both cells' answers follow from their numbers by the same formula, and it is
computed again for the two problems at hand. Cells without such a partner have no transferred examples.
"""

from dataclasses import replace
from functools import cache
from random import Random

from ryot.stages.data.generator.catalog import TEMPLATES
from ryot.stages.data.generator.example import Cell, Kind, Variant, base
from ryot.stages.data.generator.kinds.formula import formula_of, holds


def make(seed: int, cell: Cell, index: int) -> Variant | str:
    """The index-th problem of a cell with a partner: its own draw, and a first step that names the partner and the formula."""
    own, sources = formula_of(cell), partners(cell)
    if own is None or not sources:
        return "no domain has a problem of this formula"
    rng = Random(f"{seed}|transferred|{cell.name}|{index}")  # noqa: S311 - reproducible, not secret
    source = rng.choice(sources)
    theirs = formula_of(source)
    first = base(seed, source, rng.randrange(2**32)).problem
    problem = cell.template.make(rng, cell.level)
    if theirs is None or not (holds(own, problem.question, problem.answer) and holds(theirs, first.question, first.answer)):
        return "the formula does not hold"
    step = f"as in {source.template.domain} ({source.template.name}): {own.told(problem.question)}"
    origin = {"transferred_from": {"domain": source.template.domain, "question": first.question}, "formula": own.shape}
    return Variant(replace(problem, steps=(step, *problem.steps)), problem.question, rng, origin)


@cache
def partners(cell: Cell) -> tuple[Cell, ...]:
    """The cells of other domains with the same reasoning, difficulty and formula."""
    own = formula_of(cell)
    if own is None:
        return ()
    others = (Cell(template, cell.level) for template in TEMPLATES if template.domain != cell.template.domain)
    alike = (other for other in others if other.template.reasoning == cell.template.reasoning)
    return tuple(other for other in alike if (formula := formula_of(other)) is not None and formula.shape == own.shape)


TRANSFERRED = Kind("transferred", make)
