"""A law as data: a result is a number times powers of other quantities. Forward values, cross-multiplied checks, and both as text.

`make` functions use `value`; `check` functions use `holds`, which neither divides nor knows what was asked for.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import count
from random import Random

from ryot.stages.data.generator.problem import is_decimal, written

NUMBER = r"\d+(?:\.\d+)?"
_LONGEST = 4
"""Characters that a number in a text may have, with its point."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is measured, in which unit, and the values it takes in questions."""

    name: str
    unit: str
    sizes: Sequence[int]

    def told(self, value: Fraction | int) -> str:
        """The quantity with a value: `stretch 3 m`."""
        return f"{self.name} {self.sized(value)}"

    def sized(self, value: Fraction | int) -> str:
        """The value with its unit: `3 m`."""
        return f"{written(value)} {self.unit}".rstrip()

    @property
    def form(self) -> str:
        """The form of an answer that states the quantity."""
        return f"{self.name} = {{}} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Law:
    """result = scale * product of factor ** power, for the kind of thing that `subject` names (`A spring`)."""

    subject: str
    result: Quantity
    factors: tuple[tuple[Quantity, int], ...]
    scale: Fraction = Fraction(1)

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The factors without their powers."""
        return tuple(quantity for quantity, _ in self.factors)

    @property
    def formula(self) -> str:
        """The law in words: `energy = mass * speed^2 / 2`."""
        return f"{self.result.name} = {self.side([quantity.name for quantity in self.quantities])}"

    def value(self, values: Sequence[Fraction | int]) -> Fraction:
        """The result for these values of the factors."""
        result = self.scale
        for (_, power), value in zip(self.factors, values, strict=True):
            result *= Fraction(value) ** power
        return result

    def holds(self, result: Fraction, values: Sequence[Fraction | int]) -> bool:
        """Whether result and values fit the law, with every divisor multiplied over to the other side."""
        left, right = result * self.scale.denominator, Fraction(self.scale.numerator)
        for (_, power), value in zip(self.factors, values, strict=True):
            for _ in range(abs(power)):
                left, right = (left, right * value) if power > 0 else (left * value, right)
        return left == right

    def side(self, parts: Sequence[str]) -> str:
        """The right side of the law with names or numbers in the factors' places."""
        powers = [(part, power) for part, (_, power) in zip(parts, self.factors, strict=True)]
        return product((*_scale(self.scale), *powers))

    def filled(self, values: Sequence[Fraction | int]) -> str:
        """The right side with numbers: `4 * 3^2 / 2`."""
        return self.side([written(value) for value in values])

    def solved_side(self, index: int, parts: Sequence[str], result: str) -> str:
        """What the index-th factor's power equals, in names or numbers: `120 / 3`."""
        power = self.factors[index][1]
        sign = -1 if power > 0 else 1
        others = [(part, sign * p) for place, (part, (_, p)) in enumerate(zip(parts, self.factors, strict=True)) if place != index]
        scale = [(number, sign * p) for number, p in _scale(self.scale)]
        own = [(result, -sign)]
        return product((*own, *scale, *others) if power > 0 else (*scale, *others, *own))

    def back(self, index: int, values: Sequence[Fraction | int], result: Fraction | int) -> str:
        """From the result back to a factor: `120 / 3 = 40`, `36 / 4 = 3^2`."""
        given = written(values[index])
        size = abs(self.factors[index][1])
        side = self.solved_side(index, [written(value) for value in values], written(result))
        return f"{side} = {given if size == 1 else f'{given}^{size}'}"

    def draw(self, rng: Random) -> tuple[tuple[Fraction, ...], Fraction]:
        """Values of the factors with a result that is written short; a whole one, if twenty draws bring one."""
        for tried in count():
            values = tuple(Fraction(rng.choice(quantity.sizes)) for quantity in self.quantities)
            result = self.value(values)
            if is_short(result) and result not in values and (result.denominator == 1 or tried > 20):
                return values, result
        raise AssertionError("count() does not end")

    def read(self, text: str) -> tuple[Fraction, ...] | None:
        """The values of all factors as a text tells them, or None where one is not told."""
        values = [read(quantity, text) for quantity in self.quantities]
        return tuple(value for value in values if value is not None) if None not in values else None


def compose(first: Law, second: Law) -> Law:
    """The law of a chain: `first` gives a factor of `second`. Its factors are those of `first`, then the others of `second`."""
    power = next(power for quantity, power in second.factors if quantity == first.result)
    inner = tuple((quantity, p * power) for quantity, p in first.factors)
    outer = tuple((quantity, p) for quantity, p in second.factors if quantity != first.result)
    return Law(second.subject, second.result, inner + outer, second.scale * first.scale**power)


def outer_values(first: Law, second: Law, values: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """The values of `second`'s factors, from those of the composed law."""
    count = len(first.factors)
    middle, rest = first.value(values[:count]), iter(values[count:])
    return tuple(middle if quantity == first.result else next(rest) for quantity in second.quantities)


def is_short(value: Fraction) -> bool:
    """Whether the value is positive and has a decimal of few characters."""
    return value > 0 and is_decimal(value) and len(written(value)) <= _LONGEST


def read(quantity: Quantity, text: str) -> Fraction | None:
    """The value that stands after a quantity's name, or None."""
    found = _reader(quantity.name).search(text)
    return Fraction(found[1]) if found else None


def law_of(laws: Iterable[Law], question: str) -> Law:
    """The law whose subject opens the question. Raises StopIteration for a question that is not of these laws."""
    return next(law for law in laws if question.startswith(law.subject) and not question[len(law.subject)].isalpha())


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else parts[0]


def product(parts: Iterable[tuple[str, int]]) -> str:
    """Parts with powers as one line of products and quotients: `4 * 3^2 / 2`."""
    parts = tuple(parts)
    above = [_power(part, power) for part, power in parts if power > 0]
    below = [_power(part, -power) for part, power in parts if power < 0]
    return " / ".join((" * ".join(above) or "1", *below))


def product_value(text: str) -> Fraction:
    """The value of such a line of numbers, from left to right. Raises ValueError for anything else."""
    value, divide = Fraction(1), False
    for word in text.split(" "):
        if word in "*/":
            divide = word == "/"
            continue
        number, _, power = word.partition("^")
        part = Fraction(number) ** int(power or 1)
        value = value / part if divide else value * part
    return value


def _power(part: str, power: int) -> str:
    return part if power == 1 else f"{part}^{power}"


def _scale(scale: Fraction) -> list[tuple[str, int]]:
    """The number of a law as factors: 4/3 is `4 * ... / 3`, 22.4 stays a decimal."""
    whole = scale.denominator in (1, 2, 3, 6, 12, 100)
    above, below = (str(scale.numerator), scale.denominator) if whole else (written(scale), 1)
    return [(above, 1)] * (above != "1") + [(str(below), -1)] * (below != 1)


@cache
def _reader(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?:\b(?:has|with|and|say|been|of|At)|[,.]) {name} ({NUMBER})")
