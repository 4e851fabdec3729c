"""Probabilistic: ways to reckon with chances in percent. A domain says what the chances are of; a `Way` says how they combine."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random

from ryot.stages.data.generator.laws.law import NUMBER, is_short
from ryot.stages.data.generator.problem import Problem, Template, is_decimal, numeric, quantity, written

Given = dict[str, Fraction]


@dataclass(frozen=True, slots=True)
class Way:
    """How chances combine: the values of its letters, the forward value, the backward equation, the words for both, slips."""

    sizes: dict[str, Sequence[int]]
    value: Callable[[Given], Fraction]
    confirms: Callable[[Fraction, Given], bool]
    steps: tuple[str, ...]
    back: str
    slips: Callable[[Given], tuple[Fraction, ...]]


@dataclass(frozen=True, slots=True)
class Case:
    """A question with `{p}` where the way's letters go, and the form of its answer."""

    way: Way
    text: str
    form: str = "{} percent"


def probabilistic(name: str, domain: str, levels: tuple[tuple[Case, ...], ...]) -> Template:
    """A template whose cases are given for each of the four levels."""
    readers = [(case, _reader(case.text)) for cases in levels for case in cases]

    def make(rng: Random, level: int) -> Problem:
        return _problem(rng, rng.choice(levels[level]))

    def check(question: str, answer: str) -> bool:
        for case, reader in readers:
            if found := reader.fullmatch(question):
                given = {letter: Fraction(number) for letter, number in found.groupdict().items()}
                value = quantity(answer, case.form)
                return value is not None and value > 0 and case.way.confirms(value, given)
        return False

    return Template(name, domain, "probabilistic", make, check)


def _reader(text: str) -> re.Pattern[str]:
    seen: set[str] = set()
    parts = []
    for part in re.split(r"(\{\w\})", text):
        letter = part[1:-1]
        slot = part.startswith("{")
        parts.append((f"(?P={letter})" if letter in seen else f"(?P<{letter}>{NUMBER})") if slot else re.escape(part))
        seen |= {letter} if slot else set()
    return re.compile("".join(parts))


def _problem(rng: Random, case: Case) -> Problem:
    way = case.way
    while True:
        given = {letter: Fraction(rng.choice(sizes)) for letter, sizes in way.sizes.items()}
        value = way.value(given)
        if is_short(value) and len({*given.values()}) == len(given) and all(map(is_decimal, _with_rests(given).values())):
            break
    shown = {letter: written(number) for letter, number in _with_rests(given | {"v": value}).items()}
    steps = tuple(step.format(**shown) for step in way.steps)
    return numeric(case.text.format(**shown), steps, value, case.form, way.slips(given), way.back.format(**shown))


def _with_rests(given: Given) -> Given:
    """The letters; in capitals what they lack to 100, but `a` and `n` less one; `x` and `y`, the parts of a mixture."""
    rests = {letter.upper(): number - 1 if letter in "an" else 100 - number for letter, number in given.items()}
    parts = {"x": given["w"] * given["p"] / 100, "y": (100 - given["w"]) * given["q"] / 100} if "w" in given else {}
    return given | rests | parts


_PERCENT, _FIVES, _TENS = range(2, 99), range(5, 100, 5), range(10, 100, 10)

COUNT = Way(
    {"n": range(20, 1000, 20), "p": _PERCENT},
    lambda g: g["n"] * g["p"] / 100,
    lambda v, g: v * 100 / g["n"] == g["p"],
    ("expected number = number * chance", "{n} * {p} / 100", "= {v}"),
    "{v} * 100 / {n} = {p} percent",
    lambda g: (g["n"] * (100 - g["p"]) / 100, g["n"] * g["p"] / 10, g["p"]),
)
"""Of n things, each with a chance of p percent."""
RETRIES = Way(
    {"n": range(2, 400, 2), "p": (5, 8, 10, 16, 20, 25, 32, 40, 50, 64, 75, 80, 90)},
    lambda g: g["n"] * 100 / g["p"],
    lambda v, g: v * g["p"] / 100 == g["n"],
    ("one success takes 100 / {p} tries on average", "{n} * 100 / {p}", "= {v}"),
    "{v} * {p} / 100 = {n}",
    lambda g: (g["n"] * g["p"] / 100, 100 / g["p"], g["n"] * 2),
)
"""Tries until n successes of p percent each."""
HALVING = Way(
    {"n": range(64, 3000, 64), "h": range(2, 13), "t": range(4, 61)},
    lambda g: g["n"] / 2 ** int(g["t"] / g["h"]) if (g["t"] / g["h"]).denominator == 1 else Fraction(0),
    lambda v, g: v * 2 ** (g["t"] / g["h"]) == g["n"],
    ("halvings: {t} / {h}", "each leaves one half", "{n} halved so often = {v}"),
    "{v} doubled {t} / {h} times = {n}",
    lambda g: (g["n"] / 2, g["n"] * g["h"] / g["t"], g["n"] / 4),
)
"""n things after a time t, with the half-life h."""
SHARE = Way(
    {"a": range(2, 60), "n": (8, 10, 16, 20, 25, 32, 40, 50, 64, 80)},
    lambda g: g["a"] * 100 / g["n"] if g["a"] < g["n"] else Fraction(0),
    lambda v, g: v * g["n"] / 100 == g["a"],
    ("chance = wanted / all", "{a} / {n} * 100", "= {v} percent"),
    "{v} * {n} / 100 = {a}",
    lambda g: (100 - g["a"] * 100 / g["n"], g["a"] / (g["n"] - g["a"]) * 100, g["a"]),
)
"""a of n."""
JOINT = Way(
    {"p": _PERCENT, "q": _PERCENT},
    lambda g: g["p"] * g["q"] / 100,
    lambda v, g: v / g["q"] * 100 == g["p"],
    ("independent: both means multiply", "{p} * {q} / 100", "= {v} percent"),
    "{v} * 100 / {q} = {p}",
    lambda g: ((g["p"] + g["q"]) / 2, abs(g["p"] - g["q"]), (100 - g["p"]) * (100 - g["q"]) / 100),
)
"""Two independent events, both."""
EITHER = Way(
    {"p": _PERCENT, "q": _PERCENT},
    lambda g: 100 - (100 - g["p"]) * (100 - g["q"]) / 100,
    lambda v, g: v == g["p"] + g["q"] - g["p"] * g["q"] / 100,
    ("neither: {P} * {Q} / 100 = {V}", "at least one: 100 - {V}", "= {v} percent"),
    "{p} + {q} - {p} * {q} / 100 = {v}",
    lambda g: (g["p"] * g["q"] / 100, (100 - g["p"]) * (100 - g["q"]) / 100, (g["p"] + g["q"]) / 2),
)
"""Two independent events, at least one."""
WITHOUT = Way(
    {"a": range(2, 30), "n": (5, 6, 10, 11, 15, 16, 20, 21, 25, 26, 36, 40)},
    lambda g: 100 * g["a"] * (g["a"] - 1) / g["n"] / (g["n"] - 1) if g["a"] < g["n"] else Fraction(0),
    lambda v, g: v * g["n"] * (g["n"] - 1) == 100 * g["a"] * (g["a"] - 1),
    ("first: {a} of {n}", "second: {A} of {N}", "{a} * {A} / {n} / {N} = {v} percent"),
    "{v} / 100 * {n} * {N} = {a} * {A}",
    lambda g: (100 * g["a"] / g["n"], 100 * g["a"] ** 2 / g["n"] ** 2, 100 - 100 * g["a"] / g["n"]),
)
"""Two of a in n, drawn one after the other."""
ONE_OF_TWO = Way(
    {"n": range(50, 1000, 50), "p": _PERCENT},
    lambda g: g["n"] * 2 * g["p"] * (100 - g["p"]) / 10000,
    lambda v, g: g["n"] - v == g["n"] * (g["p"] ** 2 + (100 - g["p"]) ** 2) / 10000,
    ("exactly one: 2 * {p} * {P} / 100 percent", "{n} * 2 * {p} * {P} / 10000", "= {v}"),
    "{n} - {v} = {n} * ({p}^2 + {P}^2) / 10000",
    lambda g: (g["n"] * g["p"] * (100 - g["p"]) / 10000, g["n"] * g["p"] / 100, g["n"] * g["p"] ** 2 / 10000),
)
"""Of n pairs, those in which exactly one of the two is of p percent."""
MIXTURE = Way(
    {"w": _FIVES, "p": range(1, 61), "q": range(1, 61)},
    lambda g: (g["w"] * g["p"] + (100 - g["w"]) * g["q"]) / 100,
    lambda v, g: (v - g["q"]) * 100 == (g["p"] - g["q"]) * g["w"],
    ("{w} * {p} / 100 = {x}", "{W} * {q} / 100 = {y}", "{x} + {y} = {v}"),
    "({v} - {q}) / ({p} - {q}) = {w} / 100",
    lambda g: ((g["p"] + g["q"]) / 2, g["p"] + g["q"], (g["w"] * g["q"] + (100 - g["w"]) * g["p"]) / 100),
)
"""p with a chance of w percent, else q: the mean."""
MASS = replace(MIXTURE, sizes={"w": _FIVES, "p": range(23, 33), "q": range(26, 36)})
"""The mean of two masses that differ little, as isotopes do."""
BAYES = Way(
    {"w": _TENS, "p": range(2, 61, 2), "q": range(1, 31)},
    lambda g: 100 * g["w"] * g["p"] / (g["w"] * g["p"] + (100 - g["w"]) * g["q"]),
    lambda v, g: v * (100 - g["w"]) * g["q"] == (100 - v) * g["w"] * g["p"],
    ("{w} * {p} / 100 = {x}", "{W} * {q} / 100 = {y}", "{x} / ({x} + {y}) = {v} percent"),
    "odds {v} : {V} = {x} : {y}",
    lambda g: (g["w"], g["p"], g["w"] * g["p"] / 100, 100 * g["p"] / (g["p"] + g["q"])),
)
"""w percent are of a kind that shows a sign with p percent, the others with q: how likely the kind is, given the sign."""
ANY_OF_THREE = Way(
    {"p": _FIVES, "q": _FIVES, "r": _TENS},
    lambda g: 100 - (100 - g["p"]) * (100 - g["q"]) * (100 - g["r"]) / 10000,
    lambda v, g: (100 - v) / (100 - g["p"]) / (100 - g["q"]) * 10000 == 100 - g["r"],
    ("none: {P} * {Q} * {R} / 10000 = {V}", "at least one: 100 - {V}", "= {v} percent"),
    "{V} * 10000 / {P} / {Q} = {R}",
    lambda g: ((g["p"] + g["q"] + g["r"]) / 3, g["p"] * g["q"] * g["r"] / 10000, 100 - (100 - g["p"]) * (100 - g["q"]) / 100),
)
"""Three independent events, at least one."""
