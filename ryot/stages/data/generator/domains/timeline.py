"""Dated facts, for history and literature, and what would be had some come later. The facts carry their source."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ryot.stages.data.generator.problem import Problem, numeric, quantity

_YEARS = "{} years"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened in a year of the common era, and where that is stated."""

    what: str
    year: int
    source: str


def moved(facts: tuple[Fact, ...]) -> Callable[[Random, int], Problem]:
    """Had one been later; had two been; which of three would then be the earliest; how two gaps would differ."""

    def make(rng: Random, level: int) -> Problem:
        while True:
            chosen = rng.sample(facts, 2 if level < 2 else 3)
            if level != 2:
                chosen.sort(key=lambda fact: fact.year)
            shifts = [0] * len(chosen)
            if level == 2:
                early, later, *_ = sorted(fact.year for fact in chosen)
                shifts[[fact.year for fact in chosen].index(early)] = rng.randint(1, 2 * (later - early) + 9)
            else:
                for place in rng.sample(range(len(chosen)), 2 if level == 1 else 1):
                    shifts[place] = rng.randint(2, 90)
            years = [fact.year + shift for fact, shift in zip(chosen, shifts, strict=True)]
            if len(set(years)) == len(years) == len({fact.year for fact in chosen}) and (level < 3 or years[0] + years[2] != 2 * years[1]):
                return (_apart, _apart, _first, _differ)[level](_told(chosen), chosen, shifts)

    return make


def check_moved(question: str, answer: str) -> bool:
    """From the years as they would be, the years of the answer lead to each other; the earliest leaves no other before it."""
    told, _, asked = question.partition(". Had ")
    years = {name: int(year) for name, year in (fact.rsplit(" ", 1) for fact in told.split("; "))}
    for place, name in enumerate(years):
        found = re.search(rf"{_NAMED[len(years)][place]} (?:come )?(\d+)", asked)
        years[name] += int(found[1]) if found else 0
    then = list(years.values())
    if "the earliest" in asked:
        first = answer.removeprefix("It is ")
        return first in years and all(years[first] <= year for year in then)
    value = quantity(answer, _YEARS)
    if value is None or value < 0:
        return False
    if len(then) == 2:
        return then[0] + value == then[1] or then[1] + value == then[0]
    one, two = abs(then[1] - then[0]), abs(then[2] - then[1])
    return one + value == two or two + value == one


_NAMED = {2: ("the former", "the latter"), 3: ("the first", "the second", "the third")}


def _told(chosen: list[Fact]) -> str:
    return "; ".join(f"{fact.what} {fact.year}" for fact in chosen) + "."


def _had(chosen: list[Fact], shifts: list[int]) -> str:
    named = _NAMED[len(chosen)]
    moved_ones = [(name, shift) for name, shift in zip(named, shifts, strict=True) if shift]
    return (
        "Had " + " and ".join(f"{name}{' come' if k == 0 else ''} {shift}" for k, (name, shift) in enumerate(moved_ones)) + " years later"
    )


def _moves(chosen: list[Fact], shifts: list[int]) -> list[str]:
    return [f"{fact.year} + {shift} = {fact.year + shift}" for fact, shift in zip(chosen, shifts, strict=True) if shift]


def _apart(told: str, chosen: list[Fact], shifts: list[int]) -> Problem:
    years = [fact.year + shift for fact, shift in zip(chosen, shifts, strict=True)]
    gap = abs(years[1] - years[0])
    steps = [*_moves(chosen, shifts), f"now {years[0]}, {years[1]}", f"{max(years)} - {min(years)} = {gap}"]
    was = chosen[1].year - chosen[0].year
    mistakes = (was, was + max(shifts), abs(was - sum(shifts)), max(shifts))
    question = f"{told} {_had(chosen, shifts)}, how far apart?"
    return numeric(question, steps, gap, _YEARS, mistakes, f"{min(years)} + {gap} = {max(years)}")


def _first(told: str, chosen: list[Fact], shifts: list[int]) -> Problem:
    years = {fact.what: fact.year + shift for fact, shift in zip(chosen, shifts, strict=True)}
    order = sorted(years, key=years.__getitem__)
    steps = [*_moves(chosen, shifts), f"now {', '.join(map(str, years.values()))}", f"the smallest is {years[order[0]]}"]
    wrong = (f"It is {order[1]}", f"It is {order[2]}", "It is none of them")
    gaps = " and ".join(str(years[name] - years[order[0]]) for name in order[1:])
    return Problem(
        f"{told} {_had(chosen, shifts)}, which is the earliest?", tuple(steps), f"It is {order[0]}", wrong, f"others {gaps} later"
    )


def _differ(told: str, chosen: list[Fact], shifts: list[int]) -> Problem:
    years = [fact.year + shift for fact, shift in zip(chosen, shifts, strict=True)]
    one, two = abs(years[1] - years[0]), abs(years[2] - years[1])
    more = abs(one - two)
    steps = [*_moves(chosen, shifts), f"gaps {one} and {two}", f"{max(one, two)} - {min(one, two)} = {more}"]
    was = abs(chosen[2].year - 2 * chosen[1].year + chosen[0].year)
    question = f"{told} {_had(chosen, shifts)}, by how much do the gaps differ?"
    return numeric(question, steps, more, _YEARS, (was, one, two, one + two), f"{min(one, two)} + {more} = {max(one, two)}")
