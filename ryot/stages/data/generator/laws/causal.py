"""Causal: what a change of one quantity does to another, along one law or two, and which change brings a wanted effect."""

import re
from collections.abc import Sequence
from fractions import Fraction
from random import Random

from ryot.stages.data.generator.laws.law import Law, compose, is_short, law_of, read
from ryot.stages.data.generator.problem import Problem, Template, numbers, numeric, quantity, written

Links = Sequence[tuple[Law, Law]]


def causal(name: str, domain: str, laws: Sequence[Law], links: Links) -> Template:
    """One quantity is changed; two are; the change passes through a second law; the change that brings an effect is sought."""
    pairs = [law for law in laws if len(law.factors) > 1]
    chains = {second.subject: compose(first, second) for first, second in links}

    def make(rng: Random, level: int) -> Problem:
        if level == 2:
            return _through(rng, *rng.choice(links))
        law = rng.choice(pairs if level else laws)
        return _sought(rng, law) if level == 3 else _changed(rng, law, level + 1)

    def check(question: str, answer: str) -> bool:
        law = law_of((*laws, *chains.values()), question)
        changes = {name: Fraction(1, int(number)) if part else Fraction(number) for part, number, name in _CHANGE.findall(question)}
        if sought := re.search(r"factor did ([a-z -]+) change", question):
            before, after = numbers(question)[:2]
            factor = quantity(answer, f"{sought[1]} * {{}}")
            return factor is not None and factor > 0 and _brings(law, before, after, changes | {sought[1]: factor})
        before_told, after_told = read(law.result, question), quantity(answer, law.result.form)
        return before_told is not None and after_told is not None and _brings(law, before_told, after_told, changes)

    return Template(name, domain, "causal", make, check)


_CHANGE = re.compile(r"(1/)?(\d+) times the ([a-z -]+?)(?= and|,|[.])")


def _brings(law: Law, before: Fraction, after: Fraction, changes: dict[str, Fraction]) -> bool:
    """Undoing every change, one after another, leads from the result after back to the one before."""
    for factor, power in law.factors:
        for _ in range(abs(power)):
            change = changes.get(factor.name, Fraction(1))
            after = after / change if power > 0 else after * change
    return after == before


def _change(name: str, factor: int, *, up: bool) -> tuple[Fraction, str]:
    return (Fraction(factor) if up else Fraction(1, factor)), f"{factor if up else f'1/{factor}'} times the {name}"


def _changed(rng: Random, law: Law, count: int) -> Problem:
    while True:
        places = sorted(rng.sample(range(len(law.factors)), count))
        before = Fraction(rng.randint(2, 60))
        told = [_change(law.quantities[place].name, rng.randint(2, 9), up=rng.random() < 0.7) for place in places]
        effects = [factor ** law.factors[place][1] for place, (factor, _) in zip(places, told, strict=True)]
        after = before * _times(effects)
        if is_short(after) and after != before:
            break
    shown = [_effect(effect) for effect in effects]
    question = f"{law.subject} has {law.result.told(before)}. With {' and '.join(text for _, text in told)}, what would it be?"
    steps = (law.formula, f"effect: {' '.join(shown)}", f"{written(before)} {' '.join(shown)} = {written(after)}")
    mistakes = (before * _times([factor for factor, _ in told]), before / _times(effects), before + after, after * 2)
    back = f"{written(after)} {' '.join(_effect(1 / effect) for effect in effects)} = {written(before)}"
    return numeric(question, steps, after, law.result.form, mistakes, back)


def _through(rng: Random, first: Law, second: Law) -> Problem:
    law = compose(first, second)
    inner = rng.randrange(len(first.factors))
    outer = rng.randrange(len(first.factors), len(law.factors)) if len(law.factors) > len(first.factors) else None
    power = next(power for quantity, power in second.factors if quantity == first.result)
    while True:
        before = Fraction(rng.randint(2, 60))
        told = [_change(law.quantities[inner].name, rng.randint(2, 6), up=rng.random() < 0.7)]
        middle = told[0][0] ** first.factors[inner][1]
        effects = [middle**power]
        if outer is not None:
            told.append(_change(law.quantities[outer].name, rng.randint(2, 6), up=rng.random() < 0.6))
            effects.append(told[1][0] ** law.factors[outer][1])
        after = before * _times(effects)
        if is_short(after) and after != before:
            break
    shown = " ".join(_effect(effect) for effect in effects)
    question = f"{law.subject} has {law.result.told(before)}. With {' and '.join(text for _, text in told)}, what would it be?"
    steps = (f"{first.formula}: {_effect(middle)}", f"{second.formula}: {shown}", f"{written(before)} {shown} = {written(after)}")
    mistakes = (before * middle, before / _times(effects), before * effects[0], before * told[0][0], before + after)
    back = f"{written(after)} {' '.join(_effect(1 / effect) for effect in effects)} = {written(before)}"
    return numeric(question, steps, after, law.result.form, mistakes, back)


def _sought(rng: Random, law: Law) -> Problem:
    place, other = rng.sample(range(len(law.factors)), 2)
    while True:
        before, factor = Fraction(rng.randint(2, 60)), Fraction(rng.choice((2, 3, 4, 5, 6, 8)), rng.choice((1, 1, 2)))
        change, told = _change(law.quantities[other].name, rng.randint(2, 5), up=rng.random() < 0.7)
        effect, wanted = change ** law.factors[other][1], factor ** law.factors[place][1]
        after = before * effect * wanted
        if is_short(after) and is_short(after / before) and after != before and factor != 1:
            break
    name, power, total = law.quantities[place].name, law.factors[place][1], after / before
    said = f"went from {written(before)} to {law.result.sized(after)} with {told}"
    question = f"{law.subject}'s {law.result.name} {said}. By what factor did {name} change?"
    ratio = f"{written(total)} {_effect(1 / effect)}"
    steps = (law.formula, f"{written(after)} / {written(before)} = {written(total)}", f"{ratio} = {_power(factor, power)}")
    back = f"{written(before)} {_effect(effect)} {_effect(wanted)} = {written(after)}"
    mistakes = (1 / factor, total, total * effect, factor * 2, factor + 1)
    return numeric(question, steps, factor, f"{name} * {{}}", mistakes, back)


def _power(factor: Fraction, power: int) -> str:
    sign = "1 / " if power < 0 else ""
    return f"{sign}{written(factor)}" + (f"^{abs(power)}" if abs(power) > 1 else "")


def _effect(factor: Fraction) -> str:
    """A factor as an action: `* 9`, `/ 2`."""
    if factor.numerator == 1 and factor != 1:
        return f"/ {factor.denominator}"
    return f"* {factor.numerator}" + (f" / {factor.denominator}" if factor.denominator != 1 else "")


def _times(factors: Sequence[Fraction]) -> Fraction:
    result = Fraction(1)
    for factor in factors:
        result *= factor
    return result
