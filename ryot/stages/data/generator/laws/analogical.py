"""Analogical: a law that is known of one thing carries over to another thing whose quantities play the same parts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from ryot.stages.data.generator.laws.law import NUMBER, Law, is_short, law_of, listed, read
from ryot.stages.data.generator.problem import Problem, Template, numeric, quantity, written

_CHANGE = re.compile(rf"({NUMBER}) times the ([a-z -]+?)(?= and|,)")


@dataclass(frozen=True, slots=True)
class Likeness:
    """`law` is like a law of `thing` (`a wire's`), whose result and factors are `parts`, in the order of the law's own."""

    thing: str
    parts: tuple[str, ...]
    law: Law

    @property
    def said(self) -> str:
        """The likeness in words; it names the parts and not the law."""
        own = listed([quantity.name for quantity in (self.law.result, *self.law.quantities)])
        return f"{self.law.subject} has {own} like {self.thing} {listed(self.parts)}."

    @property
    def known(self) -> str:
        """The law of the known thing: `voltage = current * resistance`."""
        return f"{self.parts[0]} = {self.law.side(self.parts[1:])}"


def analogical(name: str, domain: str, likenesses: Sequence[Likeness]) -> Template:
    """The result by the law carried over; a factor by it; how the result scales by it; which change it takes."""
    laws = [likeness.law for likeness in likenesses]

    def make(rng: Random, level: int) -> Problem:
        return (_forward, _turned, _scaled, _sought)[level](rng, rng.choice(likenesses))

    def check(question: str, answer: str) -> bool:
        law, asked = law_of(laws, question), question.partition(". ")[2]
        return (_changes if "times the" in asked else _balances)(law, asked, answer)

    return Template(name, domain, "analogical", make, check)


def _balances(law: Law, asked: str, answer: str) -> bool:
    """The one quantity that is not told comes from the answer, and all of them fit the law."""
    told = [read(one, asked) for one in (law.result, *law.quantities)]
    if told.count(None) != 1:
        return False
    full = [quantity(answer, one.form) if value is None else value for one, value in zip((law.result, *law.quantities), told, strict=True)]
    result, *values = [Fraction(0) if value is None else value for value in full]
    return result > 0 and all(values) and law.holds(result, values)


def _changes(law: Law, asked: str, answer: str) -> bool:
    """Undoing every change leads from the result after back to the one before."""
    changes = {name: Fraction(number) for number, name in _CHANGE.findall(asked)}
    told = re.findall(rf"{law.result.name} (?:went from )?({NUMBER})(?: to ({NUMBER}))?", asked)[0]
    before, after = Fraction(told[0]), quantity(answer, law.result.form)
    if sought := re.search(r"factor did ([a-z -]+) change", asked):
        after, change = Fraction(told[1]), quantity(answer, f"{sought[1]} * {{}}")
        if change is None or change == 0:
            return False
        changes[sought[1]] = change
    for factor, power in law.factors:
        after = None if after is None else after / changes[factor.name] ** power
    return after == before


def _forward(rng: Random, like: Likeness) -> Problem:
    law = like.law
    values, result = law.draw(rng)
    told = listed([factor.told(value) for factor, value in zip(law.quantities, values, strict=True)])
    question = f"{like.said} At {told}, what is the {law.result.name}?"
    steps = (like.known, f"so {law.formula}", f"{law.filled(values)} = {written(result)}")
    plain = law.scale * sum(values)
    return numeric(question, steps, result, law.result.form, _slips(law, values, result, plain), law.back(0, values, result))


def _slips(law: Law, values: Sequence[Fraction], result: Fraction, plain: Fraction) -> tuple[Fraction, ...]:
    turned = law.scale
    for value in values:
        turned *= value
    return (turned, result / law.scale, values[0] / values[1], plain, result * 2)


def _turned(rng: Random, like: Likeness) -> Problem:
    law = like.law
    place = rng.randrange(2)
    values, result = law.draw(rng)
    factor, other = law.quantities[place], law.quantities[1 - place]
    question = f"{like.said} At {law.result.told(result)} and {other.told(values[1 - place])}, what is the {factor.name}?"
    names = [quantity.name for quantity in law.quantities]
    size = abs(law.factors[place][1])
    raised = factor.name if size == 1 else f"{factor.name}^{size}"
    steps = (like.known, f"so {raised} = {law.solved_side(place, names, law.result.name)}", law.back(place, values, result))
    mistakes = (result * values[1 - place], values[1 - place] / result, result / law.scale, values[place] ** 2, values[place] * 2)
    return numeric(question, steps, values[place], factor.form, mistakes, f"{law.filled(values)} = {written(result)}")


def _pick(rng: Random, law: Law) -> tuple[int, int, list[Fraction], Fraction, Fraction]:
    """Two places, the factors by which they change, and the result before and after."""
    while True:
        place = rng.randrange(2)
        factors, before = [Fraction(rng.choice((2, 3, 4, 5, 6))) for _ in range(2)], Fraction(rng.randint(2, 90))
        effect = factors[0] ** law.factors[place][1] * factors[1] ** law.factors[1 - place][1]
        if is_short(before * effect) and effect != 1:
            return place, 1 - place, factors, before, before * effect


def _scaled(rng: Random, like: Likeness) -> Problem:
    law = like.law
    place, other, (one, two), before, after = _pick(rng, law)
    names = [quantity.name for quantity in law.quantities]
    change = f"{one} times the {names[place]} and {two} times the {names[other]}"
    question = f"{like.said} With {change}, what becomes of {law.result.told(before)}?"
    effects = (_act(one, law.factors[place][1]), _act(two, law.factors[other][1]))
    steps = (like.known, f"so {law.formula}", f"{written(before)} {effects[0]} {effects[1]} = {written(after)}")
    undo = f"{_act(one, -law.factors[place][1])} {_act(two, -law.factors[other][1])}"
    mistakes = (before * one * two, before * (one + two), before * before / after, before * one, after * 2)
    return numeric(question, steps, after, law.result.form, mistakes, f"{written(after)} {undo} = {written(before)}")


def _sought(rng: Random, like: Likeness) -> Problem:
    law = like.law
    place, other, (one, two), before, after = _pick(rng, law)
    names, power = [quantity.name for quantity in law.quantities], law.factors[place][1]
    goes = f"With {two} times the {names[other]}, {law.result.name} went from {written(before)} to {law.result.sized(after)}"
    question = f"{like.said} {goes}. By what factor did {names[place]} change?"
    left = one**power
    ratio = f"{written(after)} / {written(before)} {_act(two, -law.factors[other][1])}"
    steps = (like.known, f"so {law.formula}", f"{ratio} = {_act(one, power).removeprefix('* ') if power > 0 else f'1 {_act(one, power)}'}")
    mistakes = (left, after / before, one * two, one + two, one + 1)
    effects = f"{_act(two, law.factors[other][1])} {_act(one, power)}"
    return numeric(question, steps, one, f"{names[place]} * {{}}", mistakes, f"{written(before)} {effects} = {written(after)}")


def _act(factor: Fraction, power: int) -> str:
    size = f"{factor}" if abs(power) == 1 else f"{factor}^{abs(power)}"
    return f"* {size}" if power > 0 else f"/ {size}"
