"""Answers that are chances, written in lowest terms: `3 in 8`."""

import re
from collections.abc import Iterable, Iterator
from fractions import Fraction

from ryot.stages.data.generator.problem import Problem


def odds(value: Fraction) -> str:
    """A chance in lowest terms: `3 in 8`."""
    return f"{value.numerator} in {value.denominator}"


def chance(question: str, steps: Iterable[str], value: Fraction, mistakes: Iterable[Fraction], verification: str) -> Problem:
    """A problem whose answer is a chance. `mistakes` are the values that typical errors lead to."""
    wrong = (odds(mistake) for mistake in (*mistakes, *_near(value)) if 0 <= mistake <= 1)
    return Problem(question, tuple(steps), odds(value), tuple(wrong), verification)


def chance_of(answer: str) -> Fraction | None:
    """The chance that an answer states, or None when it is of another form or not in lowest terms."""
    found = re.fullmatch(r"(\d+) in ([1-9]\d*)", answer)
    value = Fraction(int(found[1]), int(found[2])) if found else None
    return value if value is not None and answer == odds(value) else None


def _near(value: Fraction) -> Iterator[Fraction]:
    yield 1 - value
    for shift in (1, -1, 2, -2):
        yield Fraction(value.numerator + shift, value.denominator)
        yield Fraction(value.numerator, value.denominator + abs(shift) * 2)


def bracketed(value: Fraction) -> str:
    """A number as a part of a longer formula: `(14/37)`, for `1 / 14/37` is another number."""
    return f"({value})" if "/" in str(value) else str(value)
