"""Audits of short accounts of dated facts: a year or a difference may be wrong. Which is the first wrong line, and what is right?"""

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from random import Random

from ryot.stages.data.generator.domains.timeline import Fact
from ryot.stages.data.generator.facts.audit import RIGHT, Line, Procedure, Values, audited
from ryot.stages.data.generator.problem import Problem

_SHIFTS = (-100, -50, -20, -10, -7, -4, 4, 7, 10, 20, 50, 100)
_LINE = re.compile(r"(\d)\) (.+?):? (\d+(?:\.5)?)(?: years)?\.(?= )")


def audit_dates(facts: Sequence[Fact]) -> Callable[[Random, int], Problem]:
    """Two years and their distance; three and their span; two, distance and middle; three and how much one gap exceeds the other."""
    facts = tuple(facts)

    def make(rng: Random, level: int) -> Problem:
        found = None
        while found is None:
            chosen = sorted(rng.sample(facts, 3 if level in (1, 3) else 2), key=lambda fact: fact.year)
            found = audited(rng, Procedure("", lambda _: (), (*map(_dated, chosen), *_worked(level))))
        return found

    return make


def _dated(fact: Fact) -> Line:
    slips = tuple(_constant(fact.year + shift) for shift in _SHIFTS)
    return Line(f"{fact.what}: {{}}", _constant(fact.year), slips, f"{fact.year}: {fact.source.rpartition(': ')[2]}")


def _constant(year: int) -> Callable[[Values, Values], Fraction]:
    return lambda _given, _values: Fraction(year)


def _worked(level: int) -> tuple[Line, ...]:
    """The lines worked out from the years above them; a slip is a typical one of subtraction or of taking the wrong years."""
    slips = (lambda _g, v: v[-1] - v[0] + 10, lambda _g, v: v[-1] - v[0] - 10, lambda _g, v: v[-1] - v[0] + 1)
    gap = Line("apart {} years", lambda _g, v: v[1] - v[0], slips, "{v0} + {x} = {v1}")
    if level == 0:
        return (gap,)
    if level == 1:
        return (Line("in all {} years", lambda _g, v: v[2] - v[0], (*slips, lambda _g, v: v[2] - v[1]), "{v0} + {x} = {v2}"),)
    if level == 2:
        middle = Line(
            "middle {}",
            lambda _g, v: v[0] + v[2] / 2,
            (lambda _g, v: v[0] + v[2], lambda _g, v: v[0] + v[2] / 2 + 10),
            "2 * {x} = {v0} + {v1}",
        )
        return gap, middle
    longer = Line(
        "gaps differ by {}",
        lambda _g, v: abs(v[2] - 2 * v[1] + v[0]),
        (lambda _g, v: v[2] - v[1], lambda _g, v: v[2] - v[0], lambda _g, v: abs(v[2] - 2 * v[1] + v[0]) + 10),
        "gaps: {v1} - {v0}, {v2} - {v1}",
    )
    return (longer,)


def check_dates(facts: Sequence[Fact]) -> Callable[[str, str], bool]:
    """Each year is looked up by its fact; each worked line is taken back to the years."""
    years = {fact.what: fact.year for fact in facts}

    def check(question: str, answer: str) -> bool:
        told = [(words, Fraction(value)) for _, words, value in _LINE.findall(question)]
        values = [value for _, value in told]
        wrong = next((place for place, (words, value) in enumerate(told) if not _holds(words, value, values, years)), None)
        if wrong is None:
            return answer == RIGHT
        mend = re.fullmatch(rf"line {wrong + 1}: (\d+(?:\.5)?)", answer)
        return mend is not None and _holds(told[wrong][0], Fraction(mend[1]), values, years)

    return check


def _holds(words: str, value: Fraction, values: list[Fraction], years: dict[str, int]) -> bool:
    match words:
        case "apart":
            return values[0] + value == values[1]
        case "in all":
            return values[0] + value == values[2]
        case "middle":
            return values[1] - value == value - values[0]
        case "gaps differ by":
            one, two = values[1] - values[0], values[2] - values[1]
            return value >= 0 and value in (one - two, two - one)
    return years[words] == value
