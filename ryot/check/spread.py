"""How widely a mean's samples or a ratio's pairs scatter, and what so many of them would show. Pure, standard library only.

A ratio is treated on the scale of log(candidate / baseline), as in bootstrap.py; this is the planning side of it.
"""

import math
from statistics import NormalDist, fmean, stdev

from ryot.check.beta import student_quantile
from ryot.check.sizes import smallest
from ryot.measures import Evidence, Measure

POWER = 0.8
"""With the size that is told, four of five repetitions show a target, where the truth lies as far from it as the samples did."""


def size_for_distance(measure: Measure, seen: Evidence, bound: float, confidence: float) -> int | None:
    """The samples of `seen`'s spread and centre that show on which side of `bound` the truth lies; None where that cannot be told."""
    spread, edge = _spread(measure, seen), _scaled(measure, bound)
    if spread is None or edge is None:
        return None
    distance = abs(spread[0] - edge)
    return smallest(lambda count: count >= 2 and _half_width(spread[1], count, confidence) <= distance)


def reach(measure: Measure, seen: Evidence, bound: float, confidence: float, n: int) -> tuple[float, float] | None:
    """The values below and above `bound`, in the measure's unit, from which on n samples of `seen`'s spread show the difference."""
    spread, edge = _spread(measure, seen), _scaled(measure, bound)
    if spread is None or edge is None:
        return None
    width = _half_width(spread[1], n, confidence)
    found = sorted(_unscaled(measure, edge + side * width) for side in (-1, 1))
    return found[0], found[1]


def _spread(measure: Measure, seen: Evidence) -> tuple[float, float] | None:
    """Centre and standard deviation of one sample. A ratio's are those of log(candidate / baseline), by the delta method.

    None for fewer than two samples, or pairs that are not positive.
    """
    if measure.kind == "mean":
        return (fmean(seen.samples), stdev(seen.samples)) if len(seen.samples) > 1 else None
    if len(seen.pairs) < 2 or any(part <= 0 for pair in seen.pairs for part in pair):
        return None
    baseline, candidate = (fmean(side) for side in zip(*seen.pairs, strict=True))
    return math.log(candidate / baseline), stdev(pair[1] / candidate - pair[0] / baseline for pair in seen.pairs)


def _scaled(measure: Measure, value: float) -> float | None:
    """A value of the measure on the scale of its spread; None where it has no logarithm."""
    if measure.kind == "mean":
        return value
    ratio = 1 - value if measure.form == "reduction" else 1 / value if value else 0.0
    return math.log(ratio) if ratio > 0 else None


def _unscaled(measure: Measure, scaled: float) -> float:
    if measure.kind == "mean":
        return scaled
    return 1 - math.exp(scaled) if measure.form == "reduction" else math.exp(-scaled)


def _half_width(deviation: float, n: int, confidence: float) -> float:
    """How far the truth has to lie from the bound for n samples to show it with POWER: (t + z) s / sqrt(n).

    Cohen (1988), section 2.3, with Student's t for the bound and the normal for the power.
    """
    return (student_quantile(confidence, n - 1) + NormalDist().inv_cdf(POWER)) * deviation / math.sqrt(n)
