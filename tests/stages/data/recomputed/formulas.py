"""Answers recomputed from the words of a question with formulas written here anew, in floating point, unknowns found by bisection."""

import re
from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

NUMBER = r"\d+(?:\.\d+)?"
TIMES = {"halved": 0.5, "doubled": 2, "tripled": 3, "quadrupled": 4}
SHOWN = {"half": 2, "a third": 3, "a quarter": 4}


class Formula(NamedTuple):
    """What a subject's result is, its unit, the units of its factors by name, the factors to the result, and to the value on the way."""

    result: str
    unit: str
    factors: dict[str, str]
    of: Callable[..., float]
    middle: Callable[..., float] | None = None


Formulas = dict[str, Formula]


def shown(value: float) -> str:
    return f"{round(value, 4):.10g}"


def stated(name: str, value: float, unit: str) -> str:
    return f"{name} = {shown(value)} {unit}".rstrip()


def close(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * max(abs(one), abs(other))


def solve(target: float, of: Callable[[float], float]) -> float:
    """The x between 1e-6 and 1e9 at which a monotonic function has the value."""
    low, high = 1e-6, 1e9
    rising = of(high) > of(low)
    for _ in range(200):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if (of(middle) < target) == rising else (low, middle)
    return (low * high) ** 0.5


def formula_of(formulas: Formulas, question: str) -> Formula:
    subject = max((subject for subject in formulas if re.match(rf"{subject}(?:'s| |:)", question)), key=len)
    return formulas[subject]


def told(names: list[str], text: str) -> dict[str, float]:
    """The values that stand after these names; a longer name is read before a shorter one in it."""
    found = {}
    for name in sorted(names, key=len, reverse=True):
        if match := re.search(rf"{name} (?:been )?({NUMBER})", text):
            found[name] = float(match[1])
            text = text.replace(match[0], "")
    return found


def value(formula: Formula, given: dict[str, float]) -> float:
    return float(formula.of(*(given[name] for name in formula.factors)))


def missing(formula: Formula, given: dict[str, float]) -> tuple[str, float]:
    """The one quantity that is not given."""
    if formula.result not in given:
        return formula.result, value(formula, given)
    name = next(name for name in formula.factors if name not in given)
    return name, solve(given[formula.result], lambda x: value(formula, given | {name: x}))


def unit_of(formula: Formula, name: str) -> str:
    return formula.unit if name == formula.result else formula.factors[name]


def deductive(formulas: Formulas) -> Callable[[str], str]:
    def answer(question: str) -> str:
        formula = formula_of(formulas, question)
        name, found = missing(formula, told([formula.result, *formula.factors], question))
        return stated(name, found, unit_of(formula, name))

    return answer


def counterfactual(formulas: Formulas) -> Callable[[str], str]:
    def answer(question: str) -> str:
        formula, (facts, asked) = formula_of(formulas, question), question.split(". ")
        given = told([formula.result, *formula.factors], facts)
        if "differ" in asked:
            before, after = value(formula, given), value(formula, given | told(list(formula.factors), asked))
            return f"{shown(abs(after - before))} {formula.unit} {'more' if after > before else 'less'}".replace("  ", " ")
        hidden, found = missing(formula, given)
        if "Had" in asked:
            return stated(formula.result, value(formula, given | {hidden: found} | told(list(formula.factors), asked)), formula.unit)
        wanted, name = float(re.findall(rf"given ({NUMBER})", asked)[0]), next(name for name in formula.factors if name != hidden)
        return stated(name, solve(wanted, lambda x: value(formula, given | {hidden: found, name: x})), formula.factors[name])

    return answer


def _effect(formula: Formula, text: str) -> Callable[[dict[str, float]], float]:
    """By what the result is multiplied when the told changes, and more that are given, come to factors that were all 1."""
    changes = {name: eval(number) for number, name in re.findall(r"([\d/]+) times the ([a-z -]+?)(?= and |,|\.|$)", text)}  # noqa: S307
    ones = dict.fromkeys(formula.factors, 1.0)
    return lambda more: value(formula, ones | changes | more) / value(formula, ones)


def causal(formulas: Formulas) -> Callable[[str], str]:
    def answer(question: str) -> str:
        formula = formula_of(formulas, question)
        effect = _effect(formula, question)
        if sought := re.search(r"factor did (.+) change", question):
            before, after = map(float, re.findall(rf"went from ({NUMBER}) to ({NUMBER})", question)[0])
            return f"{sought[1]} * {shown(solve(after / before, lambda x: effect({sought[1]: x})))}"
        return stated(formula.result, told([formula.result], question)[formula.result] * effect({}), formula.unit)

    return answer


def analogical(formulas: Formulas) -> Callable[[str], str]:
    known, changed = deductive(formulas), causal(formulas)

    def answer(question: str) -> str:
        likeness, asked = question.split(". ", 1)
        subject = likeness.partition(" has ")[0]
        return (changed if "times the" in asked else known)(f"{subject} {asked}")

    return answer


def abductive(formulas: Formulas) -> Callable[[str], str]:
    def answer(question: str) -> str:
        formula = formula_of(formulas, question)
        return (_true_labels if "labels" in question else _change)(formula, question)

    return answer


def _change(formula: Formula, question: str) -> str:
    before, after = map(float, re.findall(rf"from ({NUMBER}) to ({NUMBER})", question)[0])
    words, ones = [word for word in TIMES if f" {word}" in question], dict.fromkeys(formula.factors, 1.0)
    if "each" in question:
        changes = [dict(zip(formula.factors, pair, strict=True)) for pair in product(words, repeat=2)]
    else:
        changes = [{name: word} for name in formula.factors for word in words]
    ratio = [value(formula, ones | {name: TIMES[word] for name, word in change.items()}) / value(formula, ones) for change in changes]
    (found,) = [change for change, times in zip(changes, ratio, strict=True) if close(before * times, after)]
    return ", ".join(f"{name} {word}" if "each" in question else f"{name} was {word}" for name, word in found.items())


def _true_labels(formula: Formula, question: str) -> str:
    labels, measured = told(list(formula.factors), question.partition("labels say")[2]), told([formula.result], question)[formula.result]
    parts = [times for words, times in SHOWN.items() if re.search(rf"shows .*\b{words}\b", question)]
    if "Each" in question:
        truths = [{name: labels[name] * times for name, times in zip(labels, pair, strict=True)} for pair in product(parts, repeat=2)]
    else:
        truths = [{name: labels[name] * times} for name in labels for times in parts]
    (found,) = [truth for truth in truths if close(value(formula, labels | truth), measured)]
    return ", ".join(stated(name, found[name], formula.factors[name]) for name in formula.factors if name in found)


def inductive(formulas: Formulas, lines: dict[str, str]) -> Callable[[str], str]:
    def answer(question: str) -> str:
        subject, _, rest = question.partition(": ")
        facts, asked = rest.split(". Predict ")
        rows = [[float(x) for x in row.split(", ")] for row in re.findall(rf"{NUMBER}(?:, {NUMBER})+", facts)]
        if subject in lines:
            (xs, ys), x = rows, float(re.findall(NUMBER, asked)[-1])
            name, unit = asked.partition(" for ")[0], lines[subject]
            return stated(name, ys[0] + (ys[2] - ys[0]) / (xs[2] - xs[0]) * (x - xs[0]), unit)
        formula, new = formulas[subject], told(list(formulas[subject].factors), asked)
        first = dict(zip(sorted(new, key=facts.index), (row[0] for row in rows), strict=False))
        ones = dict.fromkeys(formula.factors, 1.0)
        return stated(formula.result, rows[-1][0] * value(formula, ones | new) / value(formula, ones | first), formula.unit)

    return answer


def meta(formulas: Formulas) -> Callable[[str], str]:
    def answer(question: str) -> str:
        formula, (facts, lines) = formula_of(formulas, question), question.split(" 1. ", 1)
        facts, asked = facts.rsplit(". ", 1)
        given = told([formula.result, *formula.factors], facts)
        name, right = missing(formula, given)
        assert asked == f"{name.capitalize()}:"
        parts = re.fullmatch(rf"(.+); 2\. (.+); 3\. ({NUMBER})\. Any slip\?", lines)
        assert parts is not None
        first, second, third = (_worked(part, given) for part in parts.groups())
        whole = given | {name: right}
        middle = formula.middle(*(whole[one] for one in formula.factors)) if formula.middle else right
        worked = zip((first, second, third), (middle, right, right), strict=True)
        wrong = [place for place, (found, must) in enumerate(worked, start=1) if not close(found, must)]
        return f"{f'line {wrong[0]}' if wrong else 'none'}, {shown(right)} {unit_of(formula, name)}".rstrip()

    return answer


def _worked(line: str, given: dict[str, float]) -> float:
    """A line's value by Python, with the givens for their names."""
    line = line.rpartition(" = ")[2]
    for name in sorted(given, key=len, reverse=True):
        line = line.replace(name, str(given[name]))
    return float(eval(line.replace("^", "**")))  # noqa: S307


Chances = Sequence[tuple[str, Callable[..., float], str]]


def probabilistic(chances: Chances) -> Callable[[str], str]:
    """By phrases that tell the questions apart: a function of the numbers in the order of the text, and the form of the answer."""

    def answer(question: str) -> str:
        of, form = next((of, form) for phrase, of, form in chances if re.search(phrase, question))
        return form.format(shown(of(*map(float, re.findall(rf"(?<![\w.]){NUMBER}", question)))))

    return answer


def independent(*chances: float) -> list[tuple[tuple[bool, ...], float]]:
    """Every outcome of independent events with its chance; chances are in percent."""
    outcomes = []
    for happened in product((True, False), repeat=len(chances)):
        weight = 1.0
        for chance, yes in zip(chances, happened, strict=True):
            weight *= chance / 100 if yes else 1 - chance / 100
        outcomes.append((happened, weight))
    return outcomes


def every(*chances: float) -> float:
    return 100 * sum(weight for happened, weight in independent(*chances) if all(happened))


def some(*chances: float) -> float:
    return 100 * sum(weight for happened, weight in independent(*chances) if any(happened))


def mean(share: float, one: float, other: float) -> float:
    return sum([one] * round(share) + [other] * round(100 - share)) / 100


def given_sign(share: float, one: float, other: float) -> float:
    """Of 10,000 things those with the sign are counted; how many percent of them are of the kind."""
    kind, rest = 100 * share * one / 100, 100 * (100 - share) * other / 100
    return 100 * kind / (kind + rest)


def expected(chance: float, number: float) -> float:
    return sum([chance / 100] * round(number))
