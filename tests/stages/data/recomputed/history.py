"""History, recomputed: numerals from a list of all, recurring years listed, finds counted year by year."""

import re
from fractions import Fraction
from functools import cache

from ryot.stages.data.generator.domains.history import EVENTS
from ryot.stages.data.generator.facts.history import CHAINS, RELATIONS, RULERS
from tests.stages.data.recomputed.tables import Recompute, chained, dated, explained, integers, moved, odds, related


def inscription(question: str) -> str:
    years = [numerals()[word] for word in re.findall(r"\b[MDCLXVI]+\b", question)]
    if "numeral" in question:
        return f"numeral {_write(years[0] + integers(question)[0])}"
    return f"{years[1] - years[0]} years" if len(years) == 2 else f"the year {years[0]}"


@cache
def numerals() -> dict[str, int]:
    return {_write(year): year for year in range(1, 4000)}


def _write(year: int) -> str:
    """By decimal places, not by subtraction."""
    ones = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
    tens = [one.translate(str.maketrans("IVX", "XLC")) for one in ones]
    hundreds = [one.translate(str.maketrans("IVX", "CDM")) for one in ones]
    return "M" * (year // 1000) + hundreds[year // 100 % 10] + tens[year // 10 % 10] + ones[year % 10]


def recurring(question: str) -> str:
    n = integers(question)
    if "Mend" in question:
        for place in range(4):
            rest = [year for k, year in enumerate(n) if k != place]
            for right in range(n[place] - 5, n[place] + 6):
                row = sorted((*rest, right))
                if row[1] - row[0] == row[2] - row[1] == row[3] - row[2] and right != n[place]:
                    return f"{right} for {n[place]}"
    run = list(range(n[0] - (n[1] - n[0]) * 2, 3000, n[1] - n[0]))
    if "How often" in question:
        return f"{sum(n[3] <= year <= n[4] for year in run)} times"
    if "By this rule" in question:
        return f"the year {run[run.index(n[2]) + n[3]]}"
    return f"the year {run[run.index(n[2]) + 1] if 'next' in question else run[run.index(n[0]) - 1]}"


def dating(question: str) -> str:
    if "either" in question:
        (a, b), (c, d) = (map(int, span) for span in re.findall(r"(\d+)-(\d+)", question))
        return _shares(Fraction(1, b - a), Fraction(1, d - c))
    start, end, *years = integers(question.replace("-", " to "))
    span = range(start, end)
    within = [year for year in span if (years[0] if len(years) == 2 else start) <= year < years[-1]]
    if question.startswith("Two"):
        both, neither = len(within) ** 2, (len(span) - len(within)) ** 2
        return odds(both if "both" in question else len(span) ** 2 - neither, len(span) ** 2)
    return odds(len(within), len(span))


def _shares(one: Fraction, two: Fraction) -> str:
    share = one / (one + two)
    return odds(share.numerator, share.denominator)


RECOMPUTE: dict[str, Recompute] = {
    "inscription": inscription,
    "recurring": recurring,
    "rulers": explained(RULERS),
    "deeds": related(RELATIONS),
    "consequences": chained(CHAINS),
    "dating": dating,
    "events": moved,
    "annals": dated(EVENTS),
}
