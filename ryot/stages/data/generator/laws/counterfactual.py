"""Counterfactual: what would have been. The unseen is found from what was, then one thing is imagined otherwise."""

import re
from collections.abc import Sequence
from fractions import Fraction
from random import Random

from ryot.stages.data.generator.laws.causal import Links
from ryot.stages.data.generator.laws.law import NUMBER, Law, compose, is_short, law_of, listed, outer_values, read
from ryot.stages.data.generator.problem import Problem, Template, numbers, numeric, quantity, written

_HAD = re.compile(rf"Had ([a-z -]+) been ({NUMBER})")


def counterfactual(name: str, domain: str, laws: Sequence[Law], links: Links) -> Template:
    """The difference that a change makes; the result with one factor unseen; the difference along a chain; the cause that was needed."""
    pairs = [law for law in laws if len(law.factors) == 2]
    chains = [compose(first, second) for first, second in links]

    def make(rng: Random, level: int) -> Problem:
        if level == 2:
            return _along(rng, *rng.choice(links))
        return (_difference, _unseen, _unseen, _needed)[level](rng, rng.choice(laws if level == 0 else pairs))

    def check(question: str, answer: str) -> bool:
        law = law_of((*laws, *chains), question)
        if " differ?" in question:
            return _differs(law, question, answer)
        place = next(place for place, factor in enumerate(law.quantities) if read(factor, question) is not None)
        factor, power = law.factors[place]
        was, result = read(factor, question), read(law.result, question)
        if "would have given" in question:
            given: tuple[Fraction | None, Fraction | None] = (quantity(answer, factor.form), numbers(question)[2])
        else:
            given = (Fraction(_HAD.findall(question)[0][1]), quantity(answer, law.result.form))
        imagined, wanted = given
        if was is None or result is None or imagined is None or wanted is None or imagined == 0:
            return False
        return (imagined / was) ** power == wanted / result

    return Template(name, domain, "counterfactual", make, check)


def _differs(law: Law, question: str, answer: str) -> bool:
    """The result as it was, found from the givens, plus the answer's difference fits the law with the imagined value."""
    values, (name, imagined) = law.read(question), _HAD.findall(question)[0]
    if values is None:
        return False
    other = tuple(Fraction(imagined) if factor.name == name else value for factor, value in zip(law.quantities, values, strict=True))
    actual = law.value(values)
    more, less = (quantity(answer, _difference_form(law, word)) for word in ("more", "less"))
    change = more if more is not None else -less if less is not None else None
    return change is not None and law.holds(actual + change, other)


def _difference_form(law: Law, word: str) -> str:
    return f"{{}} {law.result.unit} {word}".replace("  ", " ")


def _other(rng: Random, law: Law, values: Sequence[Fraction], place: int) -> tuple[Fraction, tuple[Fraction, ...]]:
    """A second value for one factor, with the result that it gives; the same value where no other fits."""
    sizes = [Fraction(size) for size in law.quantities[place].sizes if size != values[place]]
    rng.shuffle(sizes)
    for size in sizes:
        changed = (*values[:place], size, *values[place + 1 :])
        if is_short(law.value(changed)):
            return law.value(changed), changed
    return law.value(values), tuple(values)


def _imagined(rng: Random, law: Law, place: int) -> tuple[tuple[Fraction, ...], Fraction, tuple[Fraction, ...], Fraction]:
    while True:
        values, before = law.draw(rng)
        after, changed = _other(rng, law, values, place)
        if after != before:
            return values, before, changed, after


def _told(law: Law, values: Sequence[Fraction]) -> str:
    return listed([factor.told(value) for factor, value in zip(law.quantities, values, strict=True)])


def _question(law: Law, values: Sequence[Fraction], place: int, imagined: Fraction) -> str:
    factor = law.quantities[place]
    had = f"Had {factor.name} been {factor.sized(imagined)}, how would {law.result.name} differ?"
    return f"{law.subject} has {_told(law, values)}. {had}"


def _contrast(law: Law, question: str, steps: tuple[str, ...], results: tuple[Fraction, Fraction], back: str) -> Problem:
    before, after = results
    word, other = ("more", "less") if after > before else ("less", "more")
    found = numeric(question, steps, abs(after - before), _difference_form(law, word), (after, before, after + before), back)
    turned = found.answer.replace(word, other)
    return Problem(question, steps, found.answer, (turned, *found.wrong), back)


def _difference(rng: Random, law: Law) -> Problem:
    place = rng.randrange(len(law.factors))
    values, before, changed, after = _imagined(rng, law, place)
    high, low = max(before, after), min(before, after)
    steps = (
        f"actual: {law.filled(values)} = {written(before)}",
        f"imagined: {law.filled(changed)} = {written(after)}",
        f"{written(high)} - {written(low)} = {written(high - low)}",
    )
    question = _question(law, values, place, changed[place])
    sign = "+" if after > before else "-"
    there = f"{written(before)} {sign} {written(high - low)}"
    return _contrast(law, question, steps, (before, after), f"{there} = {law.filled(changed)}")


def _along(rng: Random, first: Law, second: Law) -> Problem:
    law = compose(first, second)
    place = rng.randrange(len(first.factors))
    while True:
        values, before, changed, after = _imagined(rng, law, place)
        middles = [first.value(given[: len(first.factors)]) for given in (values, changed)]
        if all(is_short(middle) for middle in middles):
            break
    (m, n), (b, a) = map(written, middles), map(written, (before, after))
    high, low = max(before, after), min(before, after)
    outer = [outer_values(first, second, given) for given in (values, changed)]
    steps = (
        f"{first.result.name} {m}, imagined {n}",
        f"{second.result.name} {b}, imagined {a}",
        f"{written(high)} - {written(low)} = {written(high - low)}",
    )
    index = next(index for index, factor in enumerate(second.quantities) if factor == first.result)
    question = _question(law, values, place, changed[place])
    return _contrast(
        law,
        question,
        steps,
        (before, after),
        f"{second.back(index, outer[1], after)}; {first.back(place, changed[: len(first.factors)], Fraction(n))}",
    )


def _unseen(rng: Random, law: Law) -> Problem:
    place = rng.randrange(2)
    values, before, changed, after = _imagined(rng, law, place)
    factor, hidden = law.quantities[place], 1 - place
    question = (
        f"{law.subject} with {factor.told(values[place])} has {law.result.told(before)}. "
        f"Had {factor.name} been {factor.sized(changed[place])}, what {law.result.name} would it have?"
    )
    steps = (
        f"{law.quantities[hidden].name}: {law.back(hidden, values, before)}",
        "it stays",
        f"{law.filled(changed)} = {written(after)}",
    )
    ratio, power = changed[place] / values[place], law.factors[place][1]
    mistakes = (before * ratio, before / ratio, before / ratio**power, before, after * 2)
    return numeric(question, steps, after, law.result.form, mistakes, law.back(place, changed, after))


def _needed(rng: Random, law: Law) -> Problem:
    place = rng.randrange(2)
    values, before, changed, after = _imagined(rng, law, place)
    factor, hidden = law.quantities[place], 1 - place
    question = (
        f"{law.subject} with {factor.told(values[place])} has {law.result.told(before)}. "
        f"Which {factor.name} would have given {law.result.sized(after)}?"
    )
    steps = (
        f"{law.quantities[hidden].name}: {law.back(hidden, values, before)}",
        f"then: {law.back(place, changed, after)}",
        f"so {factor.told(changed[place])}",
    )
    ratio = after / before
    mistakes = (values[place] * ratio, values[place] / ratio, values[place], changed[place] * 2)
    return numeric(question, steps, changed[place], factor.form, mistakes, f"{law.filled(changed)} = {written(after)}")
