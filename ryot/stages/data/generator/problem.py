"""What a template makes: a Problem with its answer, steps, wrong answers and a backward verification. And the Template itself.

A template's `check` knows the question and an answer as text, nothing else: it finds the numbers in the words again and goes
from the answer back to them, so it refuses a wrong computation as well as a wrong wording.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from random import Random

DIFFICULTIES = ("elementary", "intermediate", "advanced", "expert")
_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")
_PLACES = 4
_SCALE = 10**_PLACES


@dataclass(frozen=True, slots=True)
class Problem:
    """One question with its forward solution. `wrong` are candidates in order of preference; the first three usable ones are taken."""

    question: str
    steps: tuple[str, ...]
    answer: str
    wrong: tuple[str, ...]
    verification: str


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of problem. `make(rng, level)` is given level 0 to 3; `check(question, answer)` recomputes backwards from the text."""

    name: str
    domain: str
    reasoning: str
    make: Callable[[Random, int], Problem]
    check: Callable[[str, str], bool]


def numeric(
    question: str, steps: Iterable[str], value: Fraction | int, form: str, mistakes: Iterable[Fraction | int], verification: str
) -> Problem:
    """A problem whose answer is `form` with the value in it. `mistakes` are the values that typical errors lead to."""
    right = written(value)
    slips = [written(mistake) for mistake in mistakes if mistake > 0 and is_decimal(mistake)]
    wrong = (form.format(slip) for slip in (*slips, *map(_decimal, _near(_scaled(value)))))
    return Problem(question, tuple(steps), form.format(right), tuple(wrong), verification)


def written(value: Fraction | int) -> str:
    """An exact decimal: `12`, `0.25`. Raises ValueError when the value has no decimal of four places."""
    if not is_decimal(value):
        raise ValueError(f"{value} has no exact decimal of {_PLACES} places")
    return _decimal(_scaled(value))


def is_decimal(value: Fraction | int) -> bool:
    """Whether the value has an exact decimal of at most four places."""
    return bool(_SCALE % value.denominator == 0)


def numbers(text: str) -> list[Fraction]:
    """Every number in a text, in order; no signs, no numbers glued to letters before them."""
    # Fraction reads a string with a pattern; an int is taken at a third of the price.
    return [Fraction(plain if "." in plain else int(plain)) for found in _NUMBER.findall(text) if (plain := found.replace(",", ""))]


def quantity(answer: str, form: str) -> Fraction | None:
    """The number that stands in an answer of this form (`{} m/s`), or None when the answer is not of this form."""
    before, _, after = form.partition("{}")
    match = re.fullmatch(re.escape(before) + r"(-?\d+(?:\.\d+)?)" + re.escape(after), answer)
    return Fraction(match[1]) if match else None


def _scaled(value: Fraction | int) -> int:
    return int(value.numerator * (_SCALE // value.denominator))


def _decimal(scaled: int) -> str:
    sign, (whole, part) = "-" if scaled < 0 else "", divmod(abs(scaled), _SCALE)
    return f"{sign}{whole}" + (f".{part:0{_PLACES}d}".rstrip("0") if part else "")


def _near(scaled: int) -> Iterator[int]:
    """Positive values near the right one, of as many decimal places; all in ten-thousandths."""
    step = _SCALE
    while scaled % step:
        step //= 10
    while abs(scaled) >= 100 * step:
        step *= 10
    return (near for factor in (1, -1, 2, -2, 3, 5) if (near := scaled + factor * step) > 0)
