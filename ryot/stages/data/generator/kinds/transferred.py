"""Domain-transferred: a problem whose first step names one of another domain, of the same reasoning, with the same calculation.

The correspondence is found, not asserted: the steps of both, without their numbers, hold the same arithmetic line by line, or
at least the same line for the answer if that has three numbers; computed again it gives the answer. Others have no partner.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from ryot.stages.data.generator.catalog import TEMPLATES
from ryot.stages.data.generator.example import Cell, Kind, Variant, base
from ryot.stages.data.generator.kinds.calculation import calculation_of

_SAMPLES = 24
"""So many problems of each cell are looked at for partners."""


@dataclass(frozen=True, slots=True)
class Partner:
    """A problem of a domain that others correspond to."""

    domain: str
    template: str
    question: str


def make(seed: int, cell: Cell, index: int) -> Variant | str:
    """The index-th problem of a cell, drawn apart from the base ones, with a first step that names its partner and the calculation."""
    rng = Random(f"{seed}|transferred|{cell.name}|{index}")  # noqa: S311 - reproducible, not secret
    problem = cell.template.make(rng, cell.level)
    own = calculation_of(problem)
    if own is None:
        return "no calculation in the steps gives the answer"
    found = partners(cell.template.reasoning, cell.level)
    alike = (found.get(shape, ()) for shape in own.likenesses)
    others = next((others for group in alike if (others := [one for one in group if one.domain != cell.template.domain])), [])
    if not others:
        return "no other domain has this calculation"
    partner = rng.choice(others)
    step = f"as in {partner.domain} ({partner.template}): {own.line}"
    origin = {"transferred_from": {"domain": partner.domain, "question": partner.question}}
    return Variant(replace(problem, steps=(step, *problem.steps)), problem.question, rng, origin)


@cache
def partners(reasoning: str, level: int) -> Mapping[tuple[str, ...], list[Partner]]:
    """Problems of all domains with this reasoning and level, by the shape of their calculation. Each passed its check."""
    found: dict[tuple[str, ...], list[Partner]] = defaultdict(list)
    for template in TEMPLATES:
        for index in range(_SAMPLES if template.reasoning == reasoning else 0):
            problem = base(0, Cell(template, level), index).problem
            calculation = calculation_of(problem)
            if calculation is not None and template.check(problem.question, problem.answer):
                for shape in calculation.likenesses:
                    found[shape].append(Partner(template.domain, template.name, problem.question))
    return found


TRANSFERRED = Kind("transferred", make)
