"""Meta: a given solution of three lines is audited: which line errs first, or none, and what the right result is."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from ryot.stages.data.generator.laws.causal import Links
from ryot.stages.data.generator.laws.chain import drawn, told_of
from ryot.stages.data.generator.laws.law import Law, Quantity, compose, is_short, law_of, outer_values, product_value, read
from ryot.stages.data.generator.problem import Problem, Template, written

_LINES = re.compile(r": 1\. (.+); 2\. (.+); 3\. (\d+(?:\.\d+)?)")
_ANSWER = re.compile(r"(line [123]|none), (\d+(?:\.\d+)?)(.*)")


def audit(name: str, domain: str, laws: Sequence[Law], links: Links) -> Template:
    """A law used forwards; turned round to a factor; two laws in a chain; such a chain backwards."""
    pairs = [law for law in laws if len(law.factors) == 2]
    turnable = [law for law in pairs if _plain(law)]
    chains = {compose(first, second): first for first, second in links}
    plain = [(first, second) for first, second in links if (first.result, 1) in second.factors or (first.result, -1) in second.factors]
    plain = [(first, second) for first, second in plain if _plain(first)]

    def make(rng: Random, level: int) -> Problem:
        if level > 1:
            return _chained(rng, *rng.choice(links)) if level == 2 else _behind(rng, *rng.choice(plain))
        return _turned(rng, rng.choice(turnable)) if level else _forward(rng, rng.choice(pairs))

    def check(question: str, answer: str) -> bool:
        law = law_of((*pairs, *chains), question)
        return _confirmed(law, chains.get(law), question, answer)

    return Template(name, domain, "meta", make, check)


def _confirmed(law: Law, first: Law | None, question: str, answer: str) -> bool:
    """The answer's value fits the law, and the line it names is the first that has another value than it must."""
    found, lines, told = _ANSWER.fullmatch(answer), _LINES.search(question), question.partition(": 1. ")[0]
    if found is None or lines is None:
        return False
    asked = next(one for one in (law.result, *law.quantities) if told.endswith(one.name.capitalize()))
    right = Fraction(found[2])
    values = [right if factor == asked else read(factor, told) or Fraction(0) for factor in law.quantities]
    result = right if asked == law.result else read(law.result, told) or Fraction(0)
    if right == 0 or not law.holds(result, values) or found[3] != f" {asked.unit}".rstrip():
        return False
    middle = first.value(values[: len(first.factors)]) if first else right
    given = {one.name: written(value) for one, value in zip((law.result, *law.quantities), (result, *values), strict=True) if one != asked}
    wrong = [place for place, (line, must) in enumerate(zip(lines.groups(), (middle, right, right), strict=True), start=1)
             if _line_value(line, given) != must]  # fmt: skip
    return found[1] == (f"line {wrong[0]}" if wrong else "none")


def _line_value(line: str, given: dict[str, str]) -> Fraction:
    """The value of a line, with the givens in place of their names."""
    return product_value(_filled(line.rpartition(" = ")[2], given))


def _filled(line: str, given: dict[str, str]) -> str:
    for name in sorted(given, key=len, reverse=True):
        line = line.replace(name, given[name])
    return line


@dataclass(frozen=True, slots=True)
class _Case:
    """A right solution: the question's opening, what is asked for and its value, the first line, what line 2 makes of line 1."""

    opening: str
    asked: Quantity
    right: Fraction
    given: dict[str, str]
    first: str
    follow: Callable[[str], str]
    verification: str


def _flawed(rng: Random, case: _Case) -> tuple[tuple[str, str, Fraction], int]:
    """The three lines, of which one may err and those after it carry that on; and which one it is (0: none)."""
    while True:
        place, first, value = rng.randrange(4), case.first, case.right
        first = _slip(rng, first) if place == 1 else first
        if place == 1 and (first == case.first or not is_short(_line_value(first, case.given))):
            continue
        second = case.follow(first)
        second = _slip(rng, second) if place == 2 else second
        value = _line_value(second, case.given) + (rng.choice((1, 2, 10, -1, -2, -10)) if place == 3 else 0)
        if is_short(value) and (value == case.right) == (place == 0):
            return (first, second, value), place


def _slip(rng: Random, line: str) -> str:
    """The line with one mistake: a product for a quotient or the reverse, a power forgotten, a number misread."""
    head, _, body = line.rpartition(" = ")
    parts = re.split(r" ([*/]) ", body)
    place = rng.randrange(len(parts))
    if place % 2:
        parts[place] = "/" if parts[place] == "*" else "*"
    elif "^" in parts[place]:
        parts[place] = parts[place].partition("^")[0]
    elif parts[place].isdigit():
        number = int(parts[place])
        parts[place] = str(number + rng.choice((1, 2, 10) if number > 9 else (1, 2)))
    return (f"{head} = " if head else "") + " ".join(parts)


def _problem(rng: Random, case: _Case) -> Problem:
    (first, second, value), place = _flawed(rng, case)
    question = f"{case.opening}. {case.asked.name.capitalize()}: 1. {first}; 2. {second}; 3. {written(value)}. Any slip?"
    says = "line 1 must be " + case.first if place == 1 else "line 1 holds"
    then = case.follow(case.first)
    step = {0: "line 2 holds", 1: f"so line 2: {then}", 2: f"line 2 must be {then}", 3: "line 2 holds"}[place]
    right = f"{case.asked.sized(case.right)}"
    last = (f"{then} = " if place in (0, 3) else "so ") + written(case.right) + (f", not {written(value)}" if place else "")
    named = ["none", "line 1", "line 2", "line 3"]
    wrong = [f"{other}, {right}" for other in named if other != named[place]]
    rng.shuffle(wrong)
    seen = f"{named[place]}, {case.asked.sized(value)}" if place else f"line 3, {case.asked.sized(value + 1)}"
    return Problem(question, (says, step, last), f"{named[place]}, {right}", (wrong[0], seen, *wrong[1:]), case.verification)


def _forward(rng: Random, law: Law) -> Problem:
    values, result = law.draw(rng)
    names = [one.name for one in law.quantities]
    given = dict(zip(names, map(written, values), strict=True))
    opening = f"{law.subject} has {told_of(law, values)}"
    case = _Case(opening, law.result, result, given, law.side(names), lambda line: _filled(line, given), law.back(0, values, result))
    return _problem(rng, case)


def _plain(law: Law) -> list[int]:
    """The places of the factors that stand in the law without a power."""
    return [place for place, (_, power) in enumerate(law.factors) if abs(power) == 1]


def _turned(rng: Random, law: Law) -> Problem:
    values, result = law.draw(rng)
    place = rng.choice(_plain(law))
    names = [one.name for one in law.quantities]
    given = {law.result.name: written(result)} | {name: written(value) for name, value in zip(names, values, strict=True)}
    del given[names[place]]
    opening = f"{law.subject} has {law.result.told(result)} and {told_of(law, values, place)}"
    line = law.solved_side(place, names, law.result.name)
    back = f"{law.filled(values)} = {written(result)}"
    return _problem(rng, _Case(opening, law.quantities[place], values[place], given, line, lambda line: _filled(line, given), back))


def _chained(rng: Random, first: Law, second: Law) -> Problem:
    law, values, _, result = drawn(rng, first, second)
    inner, outer = values[: len(first.factors)], outer_values(first, second, values)
    line, place = f"{first.result.name} = {first.filled(inner)}", second.quantities.index(first.result)

    def follow(line: str) -> str:
        found = _line_value(line, {})
        return second.filled([found if index == place else value for index, value in enumerate(outer)])

    opening = f"{law.subject} has {told_of(law, values)}"
    return _problem(rng, _Case(opening, law.result, result, {}, line, follow, second.back(place, outer, result)))


def _behind(rng: Random, first: Law, second: Law) -> Problem:
    law, values, middle, result = drawn(rng, first, second)
    inner, outer = values[: len(first.factors)], outer_values(first, second, values)
    place, target = rng.choice(_plain(first)), second.quantities.index(first.result)
    line = f"{first.result.name} = {second.solved_side(target, list(map(written, outer)), written(result))}"

    def follow(line: str) -> str:
        return first.solved_side(place, list(map(written, inner)), written(_line_value(line, {})))

    opening = f"{law.subject} has {law.result.told(result)}, {told_of(law, values, place)}"
    return _problem(
        rng, _Case(opening, first.quantities[place], values[place], {}, line, follow, f"{first.filled(inner)} = {written(middle)}")
    )
