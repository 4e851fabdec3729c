"""Abductive: which of the possible causes explains what is seen. Each cause leaves its own trace, by a law; exactly one fits."""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product as combinations
from random import Random

from ryot.stages.data.generator.laws.law import NUMBER, Law, is_short, law_of, listed, read
from ryot.stages.data.generator.problem import Problem, Template, quantity, written

WORDS = {"halved": Fraction(1, 2), "doubled": Fraction(2), "tripled": Fraction(3), "quadrupled": Fraction(4)}
PARTS = {"half": 2, "a third": 3, "a quarter": 4}
_CHANGED = re.compile(r"([a-z -]+?) (?:was )?(halved|doubled|tripled|quadrupled)")


def abductive(name: str, domain: str, laws: Sequence[Law]) -> Template:
    """One of two causes changed; one of two labels is false; both causes changed; both labels are false."""
    single = [law for law in laws if len(law.factors) == 2 and law.factors[0][1] != law.factors[1][1]]
    double = [law for law in single if abs(law.factors[0][1]) != abs(law.factors[1][1])]

    def make(rng: Random, level: int) -> Problem:
        return (_changed, _label, _both_changed, _both_labels)[level](rng, rng.choice(double if level > 1 else single))

    def check(question: str, answer: str) -> bool:
        law = law_of(laws, question)
        return _labels_explain(law, question, answer) if "labels" in question else _changes_explain(law, question, answer)

    return Template(name, domain, "abductive", make, check)


def _changes_explain(law: Law, question: str, answer: str) -> bool:
    """The answer names allowed changes, and undoing them leads from what is seen now back to what was seen before."""
    told = re.search(rf"from ({NUMBER}) to ({NUMBER})", question)
    changes = {name.strip(): word for name, word in _CHANGED.findall(answer.replace(", ", " "))} if told else {}
    allowed = {factor.name for factor in law.quantities} if set(changes.values()) <= set(re.findall(r"\w+", question)) else set()
    wanted = 2 if "each" in question else 1
    if told is None or len(changes) != wanted or not set(changes) <= allowed or answer not in (_single(changes), _double(law, changes)):
        return False
    after = Fraction(told[2])
    for factor, power in law.factors:
        after /= WORDS[changes[factor.name]] ** power if factor.name in changes else 1
    return after == Fraction(told[1])


def _labels_explain(law: Law, question: str, answer: str) -> bool:
    """The answer's true values are the allowed multiples of the labels, and give the measured result."""
    labels, result = law.read(question), read(law.result, question)
    parts = {Fraction(times) for words, times in PARTS.items() if f"{words} of " in question or f"{words} or " in question}
    told = [next((v for part in answer.split(", ") if (v := quantity(part, factor.form)) is not None), None) for factor in law.quantities]
    wanted = 2 if "Each" in question else 1
    if labels is None or result is None or len(told) - told.count(None) != wanted or answer.count(" = ") != wanted:
        return False
    true = [label if value is None else value for label, value in zip(labels, told, strict=True)]
    multiples = {value / label for label, value in zip(labels, told, strict=True) if value is not None}
    return multiples <= parts and law.holds(result, true)


def _single(changes: Mapping[str, str]) -> str:
    return ", ".join(f"{name} was {word}" for name, word in changes.items())


def _double(law: Law, changes: Mapping[str, str]) -> str:
    return ", ".join(f"{factor.name} {changes.get(factor.name, '')}" for factor in law.quantities)


def _traced(rng: Random, law: Law) -> tuple[list[str], Fraction, Fraction, int]:
    """Two words whose four traces differ, the result before and after, and which of the four it is (factor, then word)."""
    while True:
        words = rng.sample(tuple(WORDS), 2)
        traces = [WORDS[word] ** power for _, power in law.factors for word in words]
        before, index = Fraction(rng.randint(2, 90)), rng.randrange(4)
        if len({*traces}) == 4 and is_short(before * traces[index]):
            return words, before, before * traces[index], index


def _changed(rng: Random, law: Law) -> Problem:
    words, before, after, index = _traced(rng, law)
    one, two = (factor.name for factor in law.quantities)
    question = (
        f"{law.subject}'s {law.result.name} went from {written(before)} to {law.result.sized(after)}. "
        f"Either {one} or {two} was {words[0]} or {words[1]}. Which?"
    )
    answers = [f"{factor.name} was {word}" for factor in law.quantities for word in words]
    power, trace = law.factors[index // 2][1], after / before
    word = words[index % 2]
    steps = (law.formula, f"{written(after)} / {written(before)} = {trace}", f"only {answers[index]} gives {_trace(word, power)}")
    wrong = tuple(answer for place, answer in enumerate(answers) if place != index)
    return Problem(question, steps, answers[index], wrong, f"{written(before)} {_by(word, power)} = {written(after)}")


def _trace(word: str, power: int) -> str:
    factor = WORDS[word]
    if factor < 1:
        factor, power = 1 / factor, -power
    size = f"{factor}" if abs(power) == 1 else f"{factor}^{abs(power)}"
    return size if power > 0 else f"1 / {size}"


def _by(word: str, power: int) -> str:
    trace = _trace(word, power)
    return f"/ {trace[4:]}" if trace.startswith("1 / ") else f"* {trace}"


def _label(rng: Random, law: Law) -> Problem:
    """Labels of which one is false, and the result that is measured."""
    while True:
        part, index = rng.choice(tuple(PARTS)), rng.randrange(2)
        labels, claimed = law.draw(rng)
        true = [label * PARTS[part] if place == index else label for place, label in enumerate(labels)]
        result = law.value(true)
        if is_short(result):
            break
    factor, times, power = law.quantities[index], PARTS[part], law.factors[index][1]
    question = f"{_labelled(law, labels, result)} One label shows {part} of the truth. What is true?"
    ratio = f"{written(result)} / {written(claimed)} = {result / claimed}"
    steps = (f"labels: {law.filled(labels)} = {written(claimed)}", f"{ratio} = {_multiple(times, power)}")
    other = law.quantities[1 - index]
    wrong = (
        other.form.format(written(labels[1 - index] * times)),
        factor.form.format(written(labels[index] * times * times)),
        other.form.format(written(labels[1 - index] * times * times)),
        factor.form.format(written(labels[index] * times + 1)),
    )
    answer = factor.form.format(written(true[index]))
    return Problem(
        question, (*steps, f"so {factor.name} is {times} times the label"), answer, wrong, f"{law.filled(true)} = {written(result)}"
    )


def _labelled(law: Law, labels: Sequence[Fraction], result: Fraction) -> str:
    shown = listed([factor.told(label) for factor, label in zip(law.quantities, labels, strict=True)])
    return f"{law.subject} has {law.result.told(result)}, but labels say {shown}."


def _multiple(times: int, power: int) -> str:
    size = f"{times}" if abs(power) == 1 else f"{times}^{abs(power)}"
    return size if power > 0 else f"1 / {size}"


def _both_changed(rng: Random, law: Law) -> Problem:
    while True:
        words = rng.sample(tuple(WORDS), 2)
        pairs = list(combinations(words, repeat=2))
        traces = [WORDS[a] ** law.factors[0][1] * WORDS[b] ** law.factors[1][1] for a, b in pairs]
        index, before = rng.randrange(4), Fraction(rng.randint(2, 90))
        after = before * traces[index]
        if len({*traces}) == 4 and is_short(after):
            break
    one, two = (factor.name for factor in law.quantities)
    question = (
        f"{law.subject}'s {law.result.name} went from {written(before)} to {law.result.sized(after)}. "
        f"{one.capitalize()} and {two} were each {words[0]} or {words[1]}. How?"
    )
    answers = [_double(law, {one: a, two: b}) for a, b in pairs]
    a, b = pairs[index]
    shown = f"{_trace(a, law.factors[0][1])} {_by(b, law.factors[1][1])}"
    steps = (law.formula, f"{written(after)} / {written(before)} = {traces[index]}", f"only {shown} = {traces[index]}")
    back = f"{written(before)} {_by(a, law.factors[0][1])} {_by(b, law.factors[1][1])} = {written(after)}"
    return Problem(question, steps, answers[index], tuple(answer for answer in answers if answer != answers[index]), back)


def _both_labels(rng: Random, law: Law) -> Problem:
    while True:
        parts = rng.sample(tuple(PARTS), 2)
        labels, claimed = law.draw(rng)
        pairs = list(combinations([PARTS[part] for part in parts], repeat=2))
        trues = [[label * times for label, times in zip(labels, pair, strict=True)] for pair in pairs]
        results, index = [law.value(true) for true in trues], rng.randrange(4)
        if len({*results}) == 4 and is_short(results[index]):
            break
    question = f"{_labelled(law, labels, results[index])} Each shows {parts[0]} or {parts[1]} of the truth. What is true?"
    answers = [", ".join(factor.form.format(written(value)) for factor, value in zip(law.quantities, true, strict=True)) for true in trues]
    ratio, (a, b) = results[index] / claimed, pairs[index]
    left = f"{_multiple(a, law.factors[0][1])} {_by_multiple(b, law.factors[1][1])}"
    steps = (
        f"labels: {law.filled(labels)} = {written(claimed)}",
        f"{written(results[index])} / {written(claimed)} = {ratio}",
        f"only {left} = {ratio}",
    )
    wrong = tuple(answer for answer in answers if answer != answers[index])
    return Problem(question, steps, answers[index], wrong, f"{law.filled(trues[index])} = {written(results[index])}")


def _by_multiple(times: int, power: int) -> str:
    multiple = _multiple(times, power)
    return f"/ {multiple[4:]}" if multiple.startswith("1 / ") else f"* {multiple}"
