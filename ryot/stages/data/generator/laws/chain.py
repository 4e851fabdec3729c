"""Deductive: laws applied one after another, forwards and backwards."""

from collections.abc import Sequence
from fractions import Fraction
from random import Random

from ryot.stages.data.generator.laws.causal import Links
from ryot.stages.data.generator.laws.law import Law, compose, is_short, law_of, listed, outer_values, read
from ryot.stages.data.generator.problem import Problem, Template, numeric, quantity, written


def deductive(name: str, domain: str, laws: Sequence[Law], links: Links) -> Template:
    """The result of a law; a factor of it; the result of two laws in a chain; a factor behind such a chain."""
    chains = [compose(first, second) for first, second in links]

    def make(rng: Random, level: int) -> Problem:
        if level > 1:
            return (_chained, _behind)[level - 2](rng, *rng.choice(links))
        return (_result, _factor)[level](rng, rng.choice(laws))

    def check(question: str, answer: str) -> bool:
        law = law_of((*laws, *chains), question)
        values = [read(factor, question) for factor in law.quantities]
        result = read(law.result, question)
        if result is None:
            result = quantity(answer, law.result.form)
        else:
            values = [
                quantity(answer, factor.form) if value is None else value for factor, value in zip(law.quantities, values, strict=True)
            ]
        known = [value for value in values if value is not None]
        return result is not None and len(known) == len(values) and law.holds(result, known)

    return Template(name, domain, "deductive", make, check)


def told_of(law: Law, values: Sequence[Fraction], without: int | None = None) -> str:
    """The factors with their values, but for one: `stiffness 40 N/m and stretch 3 m`."""
    pairs = zip(law.quantities, values, strict=True)
    return listed([factor.told(value) for place, (factor, value) in enumerate(pairs) if place != without])


def _result(rng: Random, law: Law) -> Problem:
    values, result = law.draw(rng)
    question = f"{law.subject} has {told_of(law, values)}. What is its {law.result.name}?"
    steps = (law.formula, f"= {law.filled(values)}", f"= {law.result.sized(result)}")
    mistakes = (result / law.scale, sum(values, Fraction(0)), values[0] / values[-1], result * values[-1], result * 2)
    return numeric(question, steps, result, law.result.form, mistakes, law.back(0, values, result))


def _factor(rng: Random, law: Law) -> Problem:
    values, result = law.draw(rng)
    place = rng.randrange(len(law.factors))
    factor, told = law.quantities[place], told_of(law, values, place)
    question = f"{law.subject} has {law.result.told(result)}, {told}. What is its {factor.name}?"
    back = law.back(place, values, result)
    steps = (law.formula, back, f"so {factor.told(values[place])}")
    mistakes = (result * values[1 - place], result / law.scale, values[place] * 2, values[place] + 1)
    return numeric(question, steps, values[place], factor.form, mistakes, f"{law.filled(values)} = {written(result)}")


def drawn(rng: Random, first: Law, second: Law) -> tuple[Law, tuple[Fraction, ...], Fraction, Fraction]:
    """The composed law with values, the result in the middle and the one at the end."""
    law = compose(first, second)
    while True:
        values, result = law.draw(rng)
        middle = first.value(values[: len(first.factors)])
        if is_short(middle):
            return law, values, middle, result


def _chained(rng: Random, first: Law, second: Law) -> Problem:
    law, values, middle, result = drawn(rng, first, second)
    outer = outer_values(first, second, values)
    question = f"{law.subject} has {told_of(law, values)}. What is its {law.result.name}?"
    steps = (
        f"{first.formula} = {written(middle)}",
        f"{second.formula}",
        f"{second.filled(outer)} = {written(result)}",
    )
    place = second.quantities.index(first.result)
    mistakes = (result / law.scale, middle, sum(values, Fraction(0)), result * 2)
    return numeric(question, steps, result, law.result.form, mistakes, second.back(place, outer, result))


def _behind(rng: Random, first: Law, second: Law) -> Problem:
    law, values, middle, result = drawn(rng, first, second)
    place, outer = rng.randrange(len(first.factors)), outer_values(first, second, values)
    inner, factor = values[: len(first.factors)], law.quantities[place]
    question = f"{law.subject} has {law.result.told(result)}, {told_of(law, values, place)}. What is its {factor.name}?"
    steps = (
        f"{first.result.name}: {second.back(second.quantities.index(first.result), outer, result)}",
        first.formula,
        f"{factor.name}: {first.back(place, inner, middle)}",
    )
    mistakes = (middle, values[place] * 2, result / middle, values[place] + 1)
    return numeric(question, steps, values[place], factor.form, mistakes, f"{first.filled(inner)} = {written(middle)}")
