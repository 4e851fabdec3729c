"""Analogies from typed relations: the given pair names the relation, the relation gives the fourth term. Every relation is one to one."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from ryot.stages.data.generator.problem import Problem

_FORM = "It is {}"


@dataclass(frozen=True, slots=True)
class Relation:
    """What joins the pairs (`organ and task`), and the pairs, first to second."""

    name: str
    pairs: Mapping[str, str]


def relate(relations: tuple[Relation, ...]) -> Callable[[Random, int], Problem]:
    """The fourth term; the same backwards; the pair of the same relation; the pair that breaks it, mended."""
    weights = [len(relation.pairs) for relation in relations]
    listed = {relation.name: tuple(relation.pairs.items()) for relation in relations}

    def make(rng: Random, level: int) -> Problem:
        relation = rng.choices(relations, weights)[0]
        pairs = rng.sample(listed[relation.name], 5)
        if level < 2:
            return _fourth(relation, pairs if level == 0 else [(second, first) for first, second in pairs], level)
        if level == 2:
            other = rng.choice([another for another in relations if another is not relation])
            return _alike(rng, relation, pairs, other, rng.choice(listed[other.name]))
        return _mended(rng, relation, pairs)

    return make


def _fourth(relation: Relation, pairs: list[tuple[str, str]], level: int) -> Problem:
    (a, b), (c, d), *rest = pairs
    first, second = relation.name.split(" and ")[:: -1 if level else 1]
    steps = (f"{b}: {second}", f"{a}: its {first}", f"{second} for {c}: {d}")
    wrong = (_FORM.format(b), *(_FORM.format(other) for _, other in rest), _FORM.format(a))
    return Problem(f"What is to {c} as {b} is to {a}?", steps, _FORM.format(d), wrong, f"{first} for {d}: {c}")


def _alike(rng: Random, relation: Relation, pairs: list[tuple[str, str]], other: Relation, strange: tuple[str, str]) -> Problem:
    """The decoy is a true pair of another relation, or a false one of the same."""
    (a, b), (c, d), (e, f), (_, h), *_ = pairs
    foreign = rng.random() < 0.5
    right, decoy = f"{c} and {d}", " and ".join(strange if foreign else (e, h))
    offered = [right, decoy]
    rng.shuffle(offered)
    steps = (f"rule: {relation.name}", f"no: {other.name}" if foreign else f"no: {e} and {f}", f"yes: {c}")
    wrong = (decoy, "both of them", "none of them")
    return Problem(
        f"Which is related as {a} and {b}: {'; '.join(offered)}?", steps, right, wrong, f"{d}: {relation.name.split(' and ')[1]} for {c}"
    )


def _mended(rng: Random, relation: Relation, pairs: list[tuple[str, str]]) -> Problem:
    (a, b), (c, d), (_, f), *_ = pairs
    told = [f"{a} and {b}", f"{c} and {f}"]
    rng.shuffle(told)
    steps = (f"rule: {relation.name}", f"{a} keeps it", f"{c} goes with {d}")
    wrong = (f"{c} and {b}", f"{a} and {f}", f"{c} and {f}", f"{a} and {d}")
    return Problem(
        f"Mend the false pair: {'; '.join(told)}.", steps, f"{c} and {d}", wrong, f"{relation.name.split(' and ')[0]} for {d}: {c}"
    )


def check_related(relations: tuple[Relation, ...]) -> Callable[[str, str], bool]:
    """From the answer back: the pair it makes stands in the relation of the given pair, and no other offered pair does."""
    kind = {pair: number for number, relation in enumerate(relations) for pair in relation.pairs.items()}
    back = {(second, first): number for (first, second), number in kind.items()}

    def check(question: str, answer: str) -> bool:
        if found := re.fullmatch(r"What is to (.+) as (.+) is to (.+)\?", question):
            c, b, a = found.groups()
            table = kind if (a, b) in kind else back
            return answer.startswith("It is ") and table.get((c, answer.removeprefix("It is ")), -1) == table[a, b]
        if found := re.fullmatch(r"Which is related as (.+) and (.+): (.+)\?", question):
            offered = found[3].split("; ")
            same = [pair for pair in offered if kind.get(_pair(pair)) == kind[found[1], found[2]]]
            return same == [answer]
        told = [_pair(pair) for pair in question.removesuffix(".").partition(": ")[2].split("; ")]
        kept = [pair for pair in told if pair in kind]
        broken = [pair for pair in told if pair not in kind]
        mended = _pair(answer)
        return len(broken) == 1 and mended[0] == broken[0][0] and kind.get(mended, -1) == kind[kept[0]]

    return check


def _pair(text: str) -> tuple[str, str]:
    first, _, second = text.partition(" and ")
    return first, second
