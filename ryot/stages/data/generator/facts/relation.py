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
    """The fourth term; the same backwards; the pair of the same relation among three; the pair that breaks it, mended."""
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
    steps = (f"{a} to {b}: {first} to {second}", f"the {second} for {c}: {d}", f"so {c} to {d}")
    wrong = (_FORM.format(b), *(_FORM.format(other) for _, other in rest), _FORM.format(a))
    return Problem(f"What is to {c} as {b} is to {a}?", steps, _FORM.format(d), wrong, f"{d} has {c} as its {first}, as {b} has {a}")


def _alike(rng: Random, relation: Relation, pairs: list[tuple[str, str]], other: Relation, strange: tuple[str, str]) -> Problem:
    (a, b), (c, d), (e, _), (_, h), *_ = pairs
    offered = [f"{c} and {d}", f"{strange[0]} and {strange[1]}", f"{e} and {h}"]
    right, foreign, false = offered
    rng.shuffle(offered)
    question = f"Which pair is related as {a} and {b}: {'; '.join(offered)}?"
    steps = (f"{a} and {b}: {relation.name}", f"{foreign}: {other.name}", f"{e} goes with {relation.pairs[e]}", f"{c} goes with {d}")
    wrong = (foreign, false, "none of the pairs", "all of the pairs")
    return Problem(question, steps, right, wrong, f"{right} too: {relation.name}")


def _mended(rng: Random, relation: Relation, pairs: list[tuple[str, str]]) -> Problem:
    (a, b), (c, d), (e, f), (_, h), *_ = pairs
    told = [f"{a} and {b}", f"{c} and {d}", f"{e} and {h}"]
    rng.shuffle(told)
    question = f"One pair breaks the rule: {'; '.join(told)}. What mends it?"
    steps = (f"rule: {relation.name}", f"{a} and {b}, {c} and {d} keep it", f"{e} and {h} break it", f"{e} goes with {f}")
    wrong = (f"{e} and {b}", f"{e} and {d}", f"{a} and {h}", f"{e} and {h}")
    return Problem(question, steps, f"{e} and {f}", wrong, f"{f} goes with {e}, not {h}")


def check_related(relations: tuple[Relation, ...]) -> Callable[[str, str], bool]:
    """From the answer back: the pair it makes stands in the relation of the given pair, and no other offered pair does."""
    kind = {pair: number for number, relation in enumerate(relations) for pair in relation.pairs.items()}
    back = {(second, first): number for (first, second), number in kind.items()}

    def check(question: str, answer: str) -> bool:
        if found := re.fullmatch(r"What is to (.+) as (.+) is to (.+)\?", question):
            c, b, a = found.groups()
            table = kind if (a, b) in kind else back
            return answer.startswith("It is ") and table.get((c, answer.removeprefix("It is ")), -1) == table[a, b]
        if found := re.fullmatch(r"Which pair is related as (.+) and (.+): (.+)\?", question):
            offered = found[3].split("; ")
            same = [pair for pair in offered if kind.get(_pair(pair)) == kind[found[1], found[2]]]
            return same == [answer]
        told = [_pair(pair) for pair in question.removesuffix(". What mends it?").partition(": ")[2].split("; ")]
        kept = [pair for pair in told if pair in kind]
        broken = [pair for pair in told if pair not in kind]
        mended = _pair(answer)
        return len(broken) == 1 and mended[0] == broken[0][0] and kind.get(mended, -1) == kind[kept[0]] == kind[kept[1]]

    return check


def _pair(text: str) -> tuple[str, str]:
    first, _, second = text.partition(" and ")
    return first, second
