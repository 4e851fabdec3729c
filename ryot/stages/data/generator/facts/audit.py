"""Audits of a worked solution: at most one line errs, the ones after it follow from it. Which line errs first, and what is right?"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from random import Random

from ryot.stages.data.generator.problem import Problem, is_decimal, written

Values = Sequence[Fraction]
_NUMBER = r"(\d+(?:\.\d+)?)"
RIGHT = "all are right"
"""The answer when no line errs."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its words with `{}` for its value, the value from the givens g and the lines before v, and what typical errors make of it.

    `proof` leads from the value x back: an equation of sums of products, `{x} + {v0} = {g0}`, that x alone makes true.
    """

    words: str
    right: Callable[[Values, Values], Fraction]
    slips: tuple[Callable[[Values, Values], Fraction], ...]
    proof: str


@dataclass(frozen=True, slots=True)
class Procedure:
    """A solution: the givens' words with a `{}` for each, how to draw them, and its lines."""

    told: str
    draw: Callable[[Random], Values]
    lines: tuple[Line, ...]


def audit(procedures: Sequence[Procedure]) -> Callable[[Random, int], Problem]:
    """One procedure a level; a slip is planted in one line, or, one time in five, in none."""

    def make(rng: Random, level: int) -> Problem:
        found = None
        while found is None:
            found = audited(rng, procedures[level])
        return found

    return make


def audited(rng: Random, procedure: Procedure) -> Problem | None:
    """One draw with at most one slip; None where a value comes out as no plain positive number or the slip changes nothing."""
    given = procedure.draw(rng)
    planted = rng.randrange(len(procedure.lines)) if rng.random() < 0.8 else None
    values: list[Fraction] = []
    mends: list[Fraction] = []
    for place, line in enumerate(procedure.lines):
        right = line.right(given, values)
        value = rng.choice(line.slips)(given, values) if place == planted else right
        if not is_decimal(value) or not is_decimal(right) or value <= 0 or (place == planted) != (value != right):
            return None
        values.append(value)
        mends.append(right)
    told = procedure.told.format(*map(written, given))
    shown = " ".join(
        f"{n}) {line.words.format(written(value))}." for n, (line, value) in enumerate(zip(procedure.lines, values, strict=True), 1)
    )
    steps = [
        f"{n + 1}) {written(mends[n])}{', not ' + written(values[n]) if n == planted else ''}"
        for n in range(len(values) if planted is None else planted + 1)
    ]
    steps += [("the others follow from it", "so that line errs")[n] for n in range(3 - len(steps))]
    answer = RIGHT if planted is None else f"line {planted + 1}: {written(mends[planted])}"
    last = len(values) - 1 if planted is None else planted
    back = _proof(procedure.lines[last], mends[last], given, values)
    return Problem(f"{told} {shown} First wrong line?".lstrip(), tuple(steps), answer, _wrong(planted, values, mends), back)


def _wrong(planted: int | None, values: list[Fraction], mends: list[Fraction]) -> tuple[str, ...]:
    other = [f"line {n + 1}: {written(value + 1)}" for n, value in enumerate(mends) if n != planted]
    if planted is None:
        return (*reversed(other), f"line 1: {written(values[0] + 2)}")
    return (RIGHT, *other, f"line {planted + 1}: {written(values[planted])}", f"line {planted + 1}: {written(mends[planted] + 1)}")


def check_audit(procedures: Sequence[Procedure]) -> Callable[[str, str], bool]:
    """Goes through the lines backwards from their values to the givens; what the answer puts in must make its line hold."""
    forms = [(re.compile(_pattern(procedure)), procedure) for procedure in procedures]

    def check(question: str, answer: str) -> bool:
        found, procedure = next((found, procedure) for form, procedure in forms if (found := form.fullmatch(question)))
        givens = procedure.told.count("{}")
        all_values = [Fraction(number) for number in found.groups()]
        given, values = all_values[:givens], all_values[givens:]
        wrong = next((k for k in range(len(values)) if not _holds(procedure.lines[k], values[k], given, values)), None)
        if wrong is None:
            return answer == RIGHT
        mend = re.fullmatch(rf"line {wrong + 1}: {_NUMBER}", answer)
        return (
            mend is not None and written(Fraction(mend[1])) == mend[1] and _holds(procedure.lines[wrong], Fraction(mend[1]), given, values)
        )

    return check


def _proof(line: Line, x: Fraction, given: Values, values: Values) -> str:
    named = {f"g{place}": written(value) for place, value in enumerate(given)} | {f"v{place}": written(v) for place, v in enumerate(values)}
    return line.proof.format(x=written(x), **named)


def _holds(line: Line, x: Fraction, given: Values, values: Values) -> bool:
    left, _, right = _proof(line, x, given, values).partition(" = ")
    return _sum(left) == _sum(right)


def _sum(text: str) -> Fraction:
    """The value of a sum of products of plain numbers: `2 * 3 + 4`."""
    return sum((prod(map(Fraction, term.split(" * ")), start=Fraction(1)) for term in text.split(" + ")), Fraction(0))


def _pattern(procedure: Procedure) -> str:
    parts = [procedure.told, *(f"{n}) {line.words}." for n, line in enumerate(procedure.lines, 1)), "First wrong line?"]
    return re.escape(" ".join(parts)).replace(re.escape("{}"), _NUMBER)
