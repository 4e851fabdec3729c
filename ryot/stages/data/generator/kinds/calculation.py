"""The calculation that a problem's steps write down: what it looks like without its numbers, and the line that gives the answer."""

import re
from dataclasses import dataclass
from fractions import Fraction

from ryot.stages.data.generator.expression import value_of
from ryot.stages.data.generator.problem import Problem, numbers

_NUMBER = r"\d+(?:\.\d+)?(?:\^\d)?"
_LINE = re.compile(rf"(?<![\w.])\(*{_NUMBER}\)*(?: [-+*/] \(*{_NUMBER}\)*)+(?![\w.]*\w)")


@dataclass(frozen=True, slots=True)
class Calculation:
    """`shape`: every line of arithmetic in the steps with # for numbers. `line`: the one whose value is in the answer."""

    shape: tuple[str, ...]
    line: str

    @property
    def likenesses(self) -> tuple[tuple[str, ...], ...]:
        """The shapes by which it is like another: the whole one or, where that says enough, that of the answer's line alone."""
        own = (_shape(self.line),)
        return (self.shape, own) if own != self.shape and own[0].count("#") > 2 else (self.shape,)


def calculation_of(problem: Problem) -> Calculation | None:
    """The calculation of a problem; None where its steps hold none, or none that gives the answer. The value is computed again."""
    lines = [line for step in problem.steps for line in _LINE.findall(step) if line.count("(") == line.count(")")]
    answers = numbers(problem.answer)
    line = next((line for line in reversed(lines) if _value(line) in answers), None)
    return None if line is None else Calculation(tuple(map(_shape, lines)), line)


def _shape(line: str) -> str:
    return re.sub(_NUMBER, lambda match: "#" + match[0].partition("^")[2], line)


def _value(line: str) -> Fraction | None:
    try:
        return value_of(line)
    except ZeroDivisionError:
        return None
