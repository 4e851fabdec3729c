"""Psychology, recomputed: rules walked forwards, rates as shares, thresholds by Weber's fraction."""

from fractions import Fraction
from math import log2

from ryot.stages.data.generator.facts.psychology import RELATIONS, STUDIES
from ryot.stages.data.generator.problem import numbers
from tests.stages.data.recomputed.tables import Recompute, audited, explained, integers, related, text


def learned(question: str) -> str:
    n = integers(question)
    if "rat" in question:
        ahead = 3 if "third next" in question else 2 if "second next" in question else 1
        return f"press {n[2] + ahead * (n[2] - n[1])}"
    if "Scanning" in question:
        return f"{n[4] + (n[6] - n[5]) * (n[2] - n[0])} ms"
    if "lights" in question:
        return f"{n[3] + round(log2(n[6] / 2)) * (n[4] - n[3])} ms"
    floor = Fraction(n[0]) - 2 * (n[0] - n[1])
    return f"{text(floor + Fraction(n[0] - floor, 2 ** n[3]))} errors"


def rewards(question: str) -> str:
    n = integers(question)
    if "How many rewards" in question:
        return f"{sum(press % n[0] == 0 for press in range(1, n[1] + 1))} rewards"
    if "fall" in question:
        return f"{len(range(n[1], n[0] + 1, n[1])) - len(range(n[2], n[0] + 1, n[2]))} fewer"
    base = n[2] - n[0] * n[1]
    return f"{base + n[0] * n[-1] + (n[3] if 'blur' in question else 0)} ms"


def threshold(question: str) -> str:
    n = [*numbers(question)]
    if "doubling" in question:
        return f"{text(n[0] * Fraction(round(log2(n[2] / n[3]))))} steps fewer"
    share = n[0] / n[1] / (2 if "keen" in question else 1)
    step = share * n[2]
    return f"{text(step - n[0] if 'greater' in question else step)} g more"


def scores(question: str) -> str:
    n = [*numbers(question)]
    if "recall" in question:
        return f"{text(sum(n, Fraction(0)) / len(n))} points"
    if "z-score" in question:
        return f"z = {text((n[2] - n[0]) / n[1])} exactly"
    if "Test A" in question:
        return f"{text(n[2] + n[3] / n[1] * (n[4] - n[0]))} points"
    return f"{text(n[0] + (-1 if 'below' in question else 1) * n[2] * n[1])} points"


def detection(question: str) -> str:
    n = [*numbers(question)]
    if "says no" in question:
        return f"{text(100 - 100 * n[1] / n[0])} percent"
    if "exceed" in question:
        return f"{text(100 * n[1] / n[0] - 100 * n[3] / n[2])} percentage points"
    return f"{text(100 / (1 + n[3] / n[1]) if 'how likely' in question else 100 * n[1] / n[0])} percent"


AUDITS = {
    "Mean": (3, (lambda g, _v: g[2] - g[0], lambda g, v: v[0] / g[1], lambda _g, v: 100 + v[1] * 15)),
    "Old IQ": (2, (lambda g, _v: g[0] / g[1], lambda _g, v: v[0] * 100, lambda _g, v: v[1] / 10)),
    "Learning": (3, (lambda g, _v: g[0] - g[1], lambda g, v: v[0] / g[0] * 100, lambda g, v: v[0] * g[2])),
    "tones": (4, (lambda g, _v: g[1] / g[0] * 100, lambda g, _v: g[3] / g[2] * 100, lambda _g, v: v[0] - v[1])),
}
RECOMPUTE: dict[str, Recompute] = {
    "learned": learned,
    "studies": explained(STUDIES),
    "minds": related(RELATIONS),
    "rewards": rewards,
    "threshold": threshold,
    "scoring": audited(AUDITS),
    "scores": scores,
    "detection": detection,
}
