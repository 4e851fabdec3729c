"""Medicine, recomputed: doses forwards, levels hour by hour, people counted, rounds of infection summed."""

from fractions import Fraction

from ryot.stages.data.generator.facts.medicine import DISEASES, RELATIONS
from ryot.stages.data.generator.problem import numbers
from tests.stages.data.recomputed.tables import Recompute, audited, explained, integers, odds, related, text


def plasma(question: str) -> str:
    n = [Fraction(number) for number in integers(question)]
    if "below" in question:
        level, hour = n[3], 0
        while level >= n[6]:
            level, hour = level / 2, hour + 1
        return f"at hour {hour}"
    steady = n[0] + n[2] == 2 * n[1]
    level = 2 * n[2] - n[1] if steady else n[2] ** 2 / n[1]
    return f"{'zero' if steady else 'first'} order, {text(level)}" if "order" in question else f"{text(level)} mg/L"


def screening(question: str) -> str:
    n = integers(question)
    if "How many" in question:
        group = n[0] * (100 - n[1]) if "false positives" in question else n[0] * n[1]
        return f"{text(Fraction(group * n[2], 10000))} people"
    rounds = 2 if "twice" in question else 1
    people = 100 ** (1 + rounds)
    ill, healthy = Fraction(people * n[0], 100), Fraction(people * (100 - n[0]), 100)
    for _ in range(rounds):
        ill, healthy = ill * n[1] / 100, healthy * n[2] / 100
    return odds(int(ill), int(ill + healthy))


def outbreak(question: str) -> str:
    first, each, change = (Fraction(number) for number in integers(question))
    changed = each * (1 - change / 100) if "immune" in question else change
    one = first * each - first * changed
    two = first * each * each - first * changed * changed
    return f"{text(one if 'do those' not in question else one + two if 'both' in question else two)} fewer"


def dose(question: str) -> str:
    per, weight, *rest = (Fraction(number) for number in integers(question))
    if "infusion" in question:
        return f"{text(per * weight / rest[0] / rest[1])} mL an hour"
    if "syrup" in question:
        return f"{text(per * weight / rest[0] / rest[1])} mL each time"
    return f"{text(per * weight / rest[0])} mg each time" if rest else f"{text(per * weight)} mg each day"


def half_life(question: str) -> str:
    n = [*numbers(question)]
    if "longer" in question:
        halvings = (n[1] / n[2]).numerator.bit_length() - 1
        return f"{halvings * (n[3] - n[0])} hours"
    if "What was the dose" in question:
        return f"a dose of {text(n[1] * 2 ** int(n[2] / n[0]))} mg"
    amount, halvings = (n[0], int(n[1])) if "passes" in question else (n[1], int(n[2] / n[0]))
    return f"{text(amount / 2**halvings)} mg left"


AUDITS = {
    "mg per kg": (3, (lambda g, _v: g[0] * g[1], lambda g, v: v[0] / g[2], lambda g, v: v[1] * g[2] * 7)),
    "A drip": (3, (lambda g, _v: g[0] / g[1], lambda _g, v: v[0] / 60, lambda g, v: v[1] * g[2])),
    "of them found": (3, (lambda g, _v: g[0] * g[1] / 100, lambda g, v: v[0] * g[2] / 100, lambda _g, v: v[0] - v[1])),
    "untreated": (3, (lambda g, _v: g[1] / g[0] * 100, lambda g, _v: g[2] / g[0] * 100, lambda _g, v: 1 / (v[0] / 100 - v[1] / 100))),
}
RECOMPUTE: dict[str, Recompute] = {
    "plasma": plasma,
    "infections": explained(DISEASES),
    "remedies": related(RELATIONS),
    "screening": screening,
    "outbreak": outbreak,
    "charts": audited(AUDITS),
    "dose": dose,
    "half-life": half_life,
}
