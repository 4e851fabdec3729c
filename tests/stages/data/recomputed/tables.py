"""Answers from tables of facts, looked up the other way round: from values to names, through lists of pairs, by positions."""

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

from ryot.stages.data.generator.domains.timeline import Fact
from ryot.stages.data.generator.facts.chain import Chain
from ryot.stages.data.generator.facts.relation import Relation
from ryot.stages.data.generator.facts.riddle import Riddles

Recompute = Callable[[str], str]
Right = Callable[[Sequence[Fraction], Sequence[Fraction]], Fraction]


def text(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.10g}"


def explained(table: Riddles) -> Recompute:
    """Sets of names that share a value, intersected and taken away."""
    named: dict[str, set[str]] = {}
    for name, values in table.rows.items():
        for value in values:
            named.setdefault(value, set()).add(name)

    def recompute(question: str) -> str:
        clues, _, offered = question.removeprefix(table.lead + " ").rpartition(". Which: ")
        left = set(re.split(", | or ", offered.removesuffix("?")))
        for clue in clues.split(", "):
            denied = clue.startswith("not ")
            left = left - named[clue[4:]] if denied else left & named[clue]
        return table.form.format(*left) if len(left) == 1 else f"{len(left)} are left"

    return recompute


def related(relations: Sequence[Relation]) -> Recompute:
    """Relations as lists of pairs that are walked through."""
    lists = [list(relation.pairs.items()) for relation in relations]

    def partner(a: str, b: str, c: str) -> str:
        for pairs in (*lists, *[[(second, first) for first, second in pairs] for pairs in lists]):
            if (a, b) in pairs:
                return next(second for first, second in pairs if first == c)
        return "nobody"

    def recompute(question: str) -> str:
        if found := re.fullmatch(r"What is to (.+) as (.+) is to (.+)\?", question):
            return f"It is {partner(found[3], found[2], found[1])}"
        pairs = [
            tuple(pair.split(" and ")) for pair in re.split("[:;] ", question.rstrip("?.").replace("Which is related as ", "x: ", 1))[1:]
        ]
        numbers = [[pair in pairs_ for pairs_ in lists] for pair in pairs]
        if question.startswith("Which"):
            return next(" and ".join(pair) for pair, number in zip(pairs[1:], numbers[1:], strict=True) if number == numbers[0])
        kept = next(pair for pair, number in zip(pairs, numbers, strict=True) if any(number))
        broken = next(pair for pair in pairs if pair != kept)
        return f"{broken[0]} and {partner(*kept, broken[0])}"

    return recompute


def chained(chains: Sequence[Chain]) -> Recompute:
    """Events by their place in the chain of the table, not by the links that are told."""

    def recompute(question: str) -> str:
        title, _, told = question.partition(": ")
        told, _, asked = told.partition(". ")
        events = set(re.split(r" led to |, that to |; ", told))
        chain = next(events_ for name, *events_ in chains if name == title and events <= set(events_))
        order = sorted(events, key=chain.index)
        if found := re.fullmatch(r"What is a (direct|remote) (cause|effect) of (.+)\?", asked):
            step = (1 if found[1] == "direct" else 2) * (1 if found[2] == "effect" else -1)
            return f"It is {order[order.index(found[3]) + step]}"
        if found := re.fullmatch(r"By how many links is (.+) due to (.+)\?", asked):
            return f"{order.index(found[1]) - order.index(found[2])} links"
        if found := re.fullmatch(r"Without (.+), what else is lost\?", asked):
            return f"lost: {' and '.join(order[order.index(found[1]) + 1 :]) or 'nothing'}"
        if found := re.fullmatch(r"Without (.+), how many (still happen|are lost)\?", asked):
            place = order.index(found[1])
            return f"{place if found[2] == 'still happen' else len(order) - place} of the 4"
        return f"It is {order[{'first cause': 0, 'last effect': -1, 'lies between': 1}[' '.join(asked.rstrip('?').split()[-2:])]]}"

    return recompute


def audited(procedures: Mapping[str, tuple[int, tuple[Right, ...]]]) -> Recompute:
    """By the words that a procedure has: how many givens, and the value of each line forwards from the givens and the lines shown."""

    def recompute(question: str) -> str:
        givens, formulas = next(rest for words, rest in procedures.items() if words in question)
        told, *lines = re.split(r" \d\) ", question.replace(". First wrong line?", ""))
        found = [Fraction(number) for number in re.findall(r"\d+(?:\.\d+)?", told)]
        given = found[:givens]
        shown = [Fraction(re.findall(r"\d+(?:\.\d+)?", line)[-1 if "for one" not in line else 0]) for line in lines]
        for place, formula in enumerate(formulas):
            right = formula(given, shown)
            if right != shown[place]:
                return f"line {place + 1}: {text(right)}"
        return "all are right"

    return recompute


def dated(facts: Sequence[Fact]) -> Recompute:
    """Lines about a fact against the table, the others against the years that are shown."""
    years = {fact.what: fact.year for fact in facts}

    def recompute(question: str) -> str:
        lines = re.findall(r"\d\) (.+?):? (\d+(?:\.5)?)(?: years)?\. ", question)
        shown = [Fraction(value) for _, value in lines]
        count = sum(words in years for words, _ in lines)
        gaps = [later - earlier for earlier, later in pairwise(shown[:count])]
        worked = {
            "apart": lambda: gaps[0],
            "in all": lambda: sum(gaps, Fraction(0)),
            "middle": lambda: shown[0] + shown[2] / 2,
            "gaps differ by": lambda: max(gaps) - min(gaps),
        }
        for place, (words, _) in enumerate(lines):
            right = Fraction(years[words]) if words in years else worked[words]()
            if right != shown[place]:
                return f"line {place + 1}: {text(right)}"
        return "all are right"

    return recompute


def moved(question: str) -> str:
    """On a line of years: marks are shifted, sorted and read off."""
    told, _, asked = question.partition(". Had ")
    marks = [[fact.rpartition(" ")[0], int(fact.rpartition(" ")[2])] for fact in told.split("; ")]
    places = {"the former": 0, "the latter": 1, "the first": 0, "the second": 1, "the third": 2}
    for name, shift in re.findall(r"(the \w+) (?:come )?(\d+)", asked):
        marks[places[name]][1] += int(shift)
    years = [int(year) for _, year in marks]
    if "earliest" in asked:
        return f"It is {min(marks, key=lambda mark: mark[1])[0]}"
    if len(years) == 2:
        return f"{max(years) - min(years)} years"
    gaps = [abs(years[0] - years[1]), abs(years[1] - years[2])]
    return f"{max(gaps) - min(gaps)} years"


def odds(wanted: int, all_ways: int) -> str:
    share = Fraction(wanted, all_ways)
    return f"{share.numerator} in {share.denominator}"


def integers(question: str) -> list[int]:
    return [int(number) for number in re.findall(r"(?<![\w.])\d+", question)]
