"""Inductive: a law is found in a few observations and predicts the next: in proportion, with an offset, as a power, in two causes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product as combinations
from random import Random

from ryot.stages.data.generator.laws.law import NUMBER, Law, Quantity, is_short, law_of
from ryot.stages.data.generator.problem import Problem, Template, numeric, quantity, written

POWERS = (1, 2, 3, -1, -2)
_HINT = "Predict"


@dataclass(frozen=True, slots=True)
class Line:
    """result = offset + slope * cause, for the kind of thing that `subject` names."""

    subject: str
    cause: Quantity
    result: Quantity
    slopes: Sequence[int]
    offsets: Sequence[int]

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The one cause."""
        return (self.cause,)


def inductive(name: str, domain: str, laws: Sequence[Law], lines: Sequence[Line]) -> Template:
    """A proportion; a straight line with an offset; a power that must be found; the powers of two causes."""
    plain = [(law, place) for law in laws for place, (_, power) in enumerate(law.factors) if power == 1]
    curved = [(law, place) for law in laws for place, (_, power) in enumerate(law.factors) if power != 1]
    pairs = [law for law in laws if len(law.factors) == 2]

    def make(rng: Random, level: int) -> Problem:
        if level == 1:
            return _line(rng, rng.choice(lines))
        if level == 3:
            return _two(rng, rng.choice(pairs))
        return _single(rng, *rng.choice(curved if level else plain))

    def check(question: str, answer: str) -> bool:
        law = next((line for line in lines if question.startswith(f"{line.subject}:")), None) or law_of(laws, question)
        value = quantity(answer, law.result.form)
        rows = [[Fraction(number) for number in row.split(", ")] for row in re.findall(rf"{NUMBER}(?:, {NUMBER})+", question)]
        asked = [Fraction(found) for found in re.findall(rf"[a-z] ({NUMBER})", question.partition(_HINT)[2])]
        if value is None or value <= 0:
            return False
        *causes, results = [[*row, new] for row, new in zip(rows, (*asked, value), strict=True)]
        return _straight(causes[0], results) if isinstance(law, Line) else _fits(causes, results)

    return Template(name, domain, "inductive", make, check)


def _straight(causes: Sequence[Fraction], results: Sequence[Fraction]) -> bool:
    """Every observation lies on the line through the first and the predicted one."""
    rise, run = results[-1] - results[0], causes[-1] - causes[0]
    return all((y - results[0]) * run == (x - causes[0]) * rise for x, y in zip(causes, results, strict=True))


def _fits(causes: Sequence[Sequence[Fraction]], results: Sequence[Fraction]) -> bool:
    """Exactly one choice of powers holds for the observations alone, and the predicted result fits it too."""
    fitting = [powers for powers in combinations(POWERS, repeat=len(causes)) if _constant(causes, results[:-1], powers)]
    return len(fitting) == 1 and _constant(causes, results, fitting[0])


def _constant(causes: Sequence[Sequence[Fraction]], results: Sequence[Fraction], powers: Sequence[int]) -> bool:
    scales = set()
    for index, result in enumerate(results):
        scale = result
        for cause, power in zip(causes, powers, strict=True):
            scale /= cause[index] ** power
        scales.add(scale)
    return len(scales) == 1


def _ask(subject: str, told: Sequence[str], results: tuple[Quantity, Sequence[Fraction]], asked: str) -> str:
    name, values = results
    return f"{subject}: {', '.join(told)} gave {_row(name, values)}. {_HINT} {name.name} for {asked}."


def _row(name: Quantity, values: Sequence[Fraction]) -> str:
    return f"{name.name} {', '.join(map(written, values))} {name.unit}".rstrip()


def _single(rng: Random, law: Law, place: int) -> Problem:
    """Observations of one cause; the other factors stay as they are, unseen."""
    cause, power = law.factors[place]
    while True:
        values, _ = law.draw(rng)
        xs = [Fraction(x) for x in rng.sample(list(cause.sizes), 4)]
        ys = [law.value((*values[:place], x, *values[place + 1 :])) for x in xs]
        if all(map(is_short, ys)):
            break
    scale = ys[0] / xs[0] ** power
    if not is_short(scale):
        return _single(rng, law, place)
    question = _ask(law.subject, [_row(cause, xs[:3])], (law.result, ys[:3]), f"{cause.name} {written(xs[3])}")
    sign, size = ("/", f"^{power}" if power > 1 else "") if power > 0 else ("*", f"^{-power}" if power < -1 else "")
    name, other = f"{cause.name}{size}", "*" if power > 0 else "/"
    last = f"{written(scale)} {other} {written(xs[3])}{size}"
    steps = (f"{law.result.name} {sign} {name}: {written(scale)} each time", "so it stays", f"{last} = {written(ys[3])}")
    mistakes = (ys[2] + (ys[2] - ys[1]), scale * xs[3], ys[2] * xs[3] / xs[2], ys[2] * xs[2] / xs[3], ys[3] * 2)
    return numeric(question, steps, ys[3], law.result.form, mistakes, f"{written(ys[3])} {sign} {written(xs[3])}{size} = {written(scale)}")


def _line(rng: Random, line: Line) -> Problem:
    xs = sorted(rng.sample(list(line.cause.sizes), 4))
    slope, offset = rng.choice(line.slopes), rng.choice(line.offsets)
    ys = [Fraction(offset + slope * x) for x in xs]
    a, _, c, d = map(written, ys)
    question = _ask(line.subject, [_row(line.cause, [Fraction(x) for x in xs[:3]])], (line.result, ys[:3]), f"{line.cause.name} {xs[3]}")
    steps = (
        f"{line.cause.name} greater by 1 adds {slope}",
        f"at zero: {a} - {slope} * {xs[0]} = {offset}",
        f"{offset} + {slope} * {xs[3]} = {d}",
    )
    mistakes = (ys[2] + ys[2] - ys[1], ys[3] - offset, ys[2] * xs[3] / xs[2], ys[3] + slope)
    return numeric(question, steps, ys[3], line.result.form, mistakes, f"({d} - {c}) / ({xs[3]} - {xs[2]}) = {slope}")


def _two(rng: Random, law: Law) -> Problem:
    """Three observations that change one cause at a time, and a fourth with both changed."""
    first, second = law.quantities
    while True:
        x, z = rng.choice(first.sizes[:6]), rng.choice(second.sizes[:6])
        more, again = rng.sample((2, 3, 4, 5), 2)
        xs, zs = [x, x * more, x, x * again], [z, z, z * again, z * more]
        ys = [law.value(row) for row in zip(xs, zs, strict=True)]
        if all(map(is_short, ys)):
            break
    told = [_row(first, [Fraction(x) for x in xs[:3]]), _row(second, [Fraction(z) for z in zs[:3]])]
    question = _ask(law.subject, told, (law.result, ys[:3]), f"{first.name} {xs[3]}, {second.name} {zs[3]}")
    steps = (
        f"{first.name} * {more} gives {_ratio(ys[1] / ys[0])}",
        f"{second.name} * {again} gives {_ratio(ys[2] / ys[0])}",
        f"{law.filled((xs[3], zs[3]))} = {written(ys[3])}",
    )
    mistakes = (ys[1] + ys[2] - ys[0], ys[1] * again, ys[0] * more * again, ys[2] * more, ys[3] * 2)
    return numeric(question, steps, ys[3], law.result.form, mistakes, law.back(0, (xs[3], zs[3]), ys[3]))


def _ratio(ratio: Fraction) -> str:
    return f"* {ratio}" if ratio >= 1 else f"/ {1 / ratio}"
