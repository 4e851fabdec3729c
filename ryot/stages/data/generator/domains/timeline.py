"""Questions about dated facts, for history and literature. The years stand in the question; the facts carry their source."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from ryot.stages.data.generator.problem import Problem, numbers, numeric, quantity

_YEARS = "{} years"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened in a year of the common era, and where that is stated."""

    what: str
    year: int
    source: str


def between(facts: tuple[Fact, ...], verb: str) -> Callable[[Random, int], Problem]:
    """Problems on these facts: years between two; the middle year; the earliest of three; a year moved. `verb` as in `dates from`."""

    def make(rng: Random, level: int) -> Problem:
        chosen = rng.sample(facts, 3)
        while not _apart([fact.year for fact in chosen]):
            chosen = rng.sample(facts, 3)
        first, second, third = sorted(chosen, key=lambda fact: fact.year) if level in (0, 1, 3) else chosen
        match level:
            case 0:
                return _gap(first, third, verb)
            case 1:
                return _longer(first, second, third, verb)
            case 2:
                return _earliest(first, second, third, verb)
        return _moved(first, third, rng.randint(2, 90), verb)

    return make


def check_between(question: str, answer: str) -> bool:
    """From the earlier year on, the years of the answer lead to the later one; the earliest leaves no other before it."""
    years = [int(number) for number in numbers(question)]
    if "came first" in question:
        told = [sentence.rpartition(" ") for sentence in question.partition(". ")[0].split("; ")]
        found = [year for before, _, year in told if before.rsplit(" ", 2)[0] == answer]
        return len(found) == 1 and all(int(found[0]) <= year for year in years)
    value = quantity(answer, _YEARS)
    if value is None:
        return False
    if "longer" in question:
        first, second, third = years
        return second + (second - first) + value == third or second + (second - first) - value == third
    if "later" in question:
        first, last, later = years
        return first + later + value == last or last + value == first + later
    first, last = years
    return first + value == last


def _apart(years: list[int]) -> bool:
    first, second, third = sorted(years)
    return first < second < third and second - first != third - second


def _gap(first: Fact, last: Fact, verb: str) -> Problem:
    gap = last.year - first.year
    question = f"{first.what} {verb} {first.year}; {last.what} {verb} {last.year}. How many years lie between them?"
    steps = ("later year minus earlier year", f"{last.year} - {first.year}", f"= {gap}")
    return numeric(question, steps, gap, _YEARS, (gap + 10, gap - 10, gap + 100), f"{first.year} + {gap} = {last.year}")


def _longer(first: Fact, second: Fact, third: Fact, verb: str) -> Problem:
    one, two = second.year - first.year, third.year - second.year
    question = (
        f"{first.what} {verb} {first.year}; {second.what} {verb} {second.year}; {third.what} {verb} {third.year}. "
        "By how many years is one gap longer than the other?"
    )
    more = abs(one - two)
    steps = (
        f"{second.year} - {first.year} = {one}",
        f"{third.year} - {second.year} = {two}",
        f"{max(one, two)} - {min(one, two)} = {more}",
    )
    return numeric(question, steps, more, _YEARS, (one, two, one + two), f"{min(one, two)} + {more} = {max(one, two)}")


def _earliest(first: Fact, second: Fact, third: Fact, verb: str) -> Problem:
    facts = (first, second, third)
    told = "; ".join(f"{fact.what} {verb} {fact.year}" for fact in facts)
    order = sorted(facts, key=lambda fact: fact.year)
    steps = (
        f"years {', '.join(str(fact.year) for fact in facts)}",
        f"the smallest is {order[0].year}",
        f"{order[0].year} < {order[1].year} < {order[2].year}",
    )
    wrong = (order[1].what, order[2].what, "All in one year")
    return Problem(
        f"{told}. Which came first?",
        steps,
        order[0].what,
        wrong,
        f"the others are {order[1].year - order[0].year} and {order[2].year - order[0].year} years later",
    )


def _moved(first: Fact, last: Fact, later: int, verb: str) -> Problem:
    moved = first.year + later
    if moved == last.year:
        return _moved(first, last, later + 1, verb)
    gap = abs(last.year - moved)
    question = (
        f"{first.what} {verb} {first.year}, {last.what} {verb} {last.year}. "
        f"Had the former been {later} years later, how many years would lie between them?"
    )
    steps = (
        f"{first.year} + {later} = {moved}",
        f"compare {moved} and {last.year}",
        f"{max(moved, last.year)} - {min(moved, last.year)} = {gap}",
    )
    mistakes = (last.year - first.year, last.year - first.year + later, Fraction(later))
    return numeric(question, steps, gap, _YEARS, mistakes, f"{min(moved, last.year)} + {gap} = {max(moved, last.year)}")
