"""The formula by which a cell's answers follow from the numbers of its questions, found from examples and not told by the template.

A formula is kept only if it holds exactly in every one of the examples, with the numbers in the same places.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import permutations
from operator import add, mul, sub, truediv
from random import Random

from ryot.stages.data.generator.example import Cell
from ryot.stages.data.generator.problem import numbers, written

_EXAMPLES = 12
_MOST_NUMBERS = 7
_Operator = Callable[[Fraction, Fraction], Fraction]
_SHAPES: tuple[tuple[str, tuple[_Operator, ...]], ...] = (
    ("{} + {}", (add,)),
    ("{} - {}", (sub,)),
    ("{} * {}", (mul,)),
    ("{} / {}", (truediv,)),
    ("{} + {} + {}", (add, add)),
    ("{} + {} - {}", (add, sub)),
    ("{} - {} - {}", (sub, sub)),
    ("{} * {} + {}", (mul, add)),
    ("{} * {} - {}", (mul, sub)),
    ("{} / {} + {}", (truediv, add)),
    ("{} / {} - {}", (truediv, sub)),
    ("({} + {}) * {}", (add, mul)),
    ("({} - {}) * {}", (sub, mul)),
    ("({} + {}) / {}", (add, truediv)),
    ("({} - {}) / {}", (sub, truediv)),
    ("{} * {} * {}", (mul, mul)),
    ("{} * {} / {}", (mul, truediv)),
    ("{} / {} / {}", (truediv, truediv)),
)
"""Shapes from simple to less so; operators apply from left to right."""
_PER_CENT: tuple[tuple[str, tuple[_Operator, ...]], ...] = (("100 * {} / {}", (mul, truediv)), ("{} * {} / 100", (mul, truediv)))
_HUNDREDS = {"100 * {} / {}": 0, "{} * {} / 100": 2}
"""Where the 100 stands among the operands."""
_OPERATORS = dict((*_SHAPES[:4], *_PER_CENT, *_SHAPES[4:]))


@dataclass(frozen=True, slots=True)
class Formula:
    """An answer as a formula of the numbers of its question: `{} * {}` with the places (0, 2) in the question."""

    shape: str
    places: tuple[int, ...]

    def told(self, question: str) -> str:
        """The formula with the question's numbers in it: `18 * 48`."""
        given = numbers(question)
        return self.shape.format(*(written(given[place]) for place in self.places))

    def value(self, given: Sequence[Fraction]) -> Fraction | None:
        """What it gives for the numbers of a question; None where a place is not there or a divisor is 0."""
        if self.places and max(self.places) >= len(given):
            return None
        chosen = [given[place] for place in self.places]
        operators = _OPERATORS[self.shape]
        if self.shape in _HUNDREDS:
            chosen.insert(_HUNDREDS[self.shape], Fraction(100))
        total = chosen[0]
        for apply, operand in zip(operators, chosen[1:], strict=True):
            if apply is truediv and operand == 0:
                return None
            total = apply(total, operand)
        return total


@cache
def formula_of(cell: Cell) -> Formula | None:
    """The simplest formula that holds in a dozen of the cell's problems; None where none of the shapes does."""
    rows = [row for index in range(_EXAMPLES) if (row := _row(cell, index)) is not None]
    if len(rows) < _EXAMPLES or len({len(given) for given, _ in rows}) != 1 or len(rows[0][0]) > _MOST_NUMBERS:
        return None
    for formula in _candidates(len(rows[0][0])):
        if all(formula.value(given) == answer for given, answer in rows):
            return formula
    return None


def holds(formula: Formula, question: str, answer: str) -> bool:
    """Whether a question's numbers give the number in its answer by this formula."""
    value = _single(answer)
    return value is not None and formula.value(numbers(question)) == value


def _row(cell: Cell, index: int) -> tuple[list[Fraction], Fraction] | None:
    problem = cell.template.make(Random(f"formula|{cell.name}|{index}"), cell.level)  # noqa: S311 - reproducible, not secret
    value = _single(problem.answer)
    return None if value is None else (numbers(problem.question), value)


def _single(answer: str) -> Fraction | None:
    found = numbers(answer)
    return found[0] if len(found) == 1 and "-" not in answer else None


@cache
def _candidates(count: int) -> tuple[Formula, ...]:
    """All shapes with all choices of places; of those that only swap what commutes, the first."""
    return tuple(
        Formula(shape, places)
        for shape, operators in _OPERATORS.items()
        for places in permutations(range(count), shape.count("{}"))
        if not _swapped(operators, places, shape)
    )


def _swapped(operators: tuple[_Operator, ...], places: tuple[int, ...], shape: str) -> bool:
    """Whether another order of places says the same: the first two of a sum or product, the last two of a - b - c or a / b / c."""
    if shape.startswith("100"):
        return False
    first = operators[0] in (add, mul) and places[0] > places[1]
    last = len(places) == 3 and operators[0] is operators[1] and places[1] > places[2]
    return first or last
