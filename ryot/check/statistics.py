"""From raw samples to bounds: what a measure's evidence shows at a given confidence, and how much more it would take.

Pure. Every bound is one-sided: the truth lies below `low` with a probability of at most 1 - confidence, and likewise above `high`.
Infinity stands for "no bound yet". The samples are taken to be independent draws of what will be met in use.
"""

import math
from statistics import NormalDist

import numpy as np

from ryot.calibration import sides
from ryot.check.bootstrap import enough_without_spread, log_ratio, log_ratio_bounds, log_ratio_spread, mean_bounds
from ryot.check.calibration import calibration_bounds, ranking_bounds
from ryot.check.sizes import MOST, fewest_samples, proportion_bounds, ranks, size_for_share
from ryot.measures import Comparison, Evidence, Measure, finite, meets, point, size


def interval(measure: Measure, evidence: Evidence, confidence: float) -> tuple[float, float]:
    """The one-sided lower and upper bound, each at `confidence`, in the measure's unit.

    count, exact: the value itself. percentile: order statistics. proportion: Clopper-Pearson. mean, ratio: see bootstrap.py.
    calibration, ranking: see calibration.py.
    """
    match measure.kind:
        case "percentile":
            assert measure.quantile is not None
            return percentile_bounds(sorted(evidence.samples), measure.quantile, confidence)
        case "proportion":
            return proportion_bounds(evidence.hits or 0, evidence.of or 0, confidence)
        case "mean":
            return mean_bounds(np.asarray(evidence.samples, dtype=np.float64), confidence)
        case "calibration" | "ranking":
            told = np.asarray(evidence.pairs, dtype=np.float64).reshape(-1, 2)
            return (calibration_bounds if measure.kind == "calibration" else ranking_bounds)(told, confidence)
        case "ratio":
            low, high = log_ratio_bounds(np.asarray(evidence.pairs, dtype=np.float64).reshape(-1, 2), confidence)
            return (1 - _exp(high), 1 - _exp(low)) if measure.form == "reduction" else (_exp(-high), _exp(-low))
    value = point(measure, evidence)
    return (-math.inf, math.inf) if value is None else (value, value)


def percentile_bounds(ranked: list[float], quantile: float, confidence: float) -> tuple[float, float]:
    """Bounds of a quantile from sorted samples, free of any distribution: order statistics, see sizes.ranks."""
    low, high = ranks(len(ranked), quantile, confidence)
    return ranked[low - 1] if low else -math.inf, ranked[high - 1] if high <= len(ranked) else math.inf


def defect(measure: Measure, evidence: Evidence) -> str | None:
    """Why the evidence cannot be judged at all, in words; None where it can."""
    if not finite(evidence):
        return "a sample is not finite"
    if size(measure, evidence) == 0:
        return "no samples"
    if measure.kind == "ratio" and any(part <= 0 for pair in evidence.pairs for part in pair):
        return "a pair holds a number that is not positive"
    if measure.kind in ("calibration", "ranking"):
        if any(not 0 <= told <= 1 or right not in (0, 1) for told, right in evidence.pairs):
            return "a pair is no confidence with a right or wrong answer"
        if measure.kind == "ranking" and 0 in sides(evidence.pairs):
            return "all answers are right, or all are wrong: there is nothing to tell apart"
    if measure.kind == "proportion" and (evidence.hits is None or evidence.of is None or evidence.hits > evidence.of):
        return "hits and of do not make a proportion"
    if (
        measure.kind == "count"
        and evidence.value is not None
        and not 0 <= evidence.value <= (math.inf if evidence.of is None else evidence.of)
    ):
        return "value and of do not make a count"
    value = point(measure, evidence)
    return None if value is not None and math.isfinite(value) else "no value"


def samples_needed(measure: Measure, evidence: Evidence, comparison: Comparison, bound: float, confidence: float) -> int | None:
    """About how many more samples until a verdict can stand, if they are like those there are; None where that cannot be known.

    Percentiles and proportions: the size at which the exact bound of the same share would clear the target. Mean and ratio:
    n = (z s / distance)^2, the normal approximation (Cochran 1977, section 4.6) with the present spread s.
    """
    n = size(measure, evidence)
    match measure.kind:
        case "percentile":
            assert measure.quantile is not None
            below = sum(meets(sample, "<=" if comparison in ("<=", ">") else "<", bound) for sample in evidence.samples)
            needed = size_for_share(below / n, measure.quantile, confidence) if n else None
        case "proportion":
            needed = size_for_share((evidence.hits or 0) / n, bound, confidence) if n else None
        case "mean" | "ratio":
            needed = _size_for_distance(measure, evidence, bound, confidence)
        case "ranking":
            couples, found = min(sides(evidence.pairs)), point(measure, evidence)
            wanted = None if found is None else size_for_share(found, bound, confidence)
            needed = None if wanted is None else math.ceil(wanted * n / couples)
        case _:
            return None
    fewest = fewest_samples(measure, comparison, bound, confidence)
    return None if needed is None else max(needed - n, (fewest or 1) - n, 1)


def rate_bound(evidence: Evidence, confidence: float) -> str | None:
    """The bound of the rate behind a count, in words: `0 of 1,000: < 0.30 % at 95 %`. None where nothing was counted out of something."""
    if evidence.value is None or not evidence.of or not 0 <= evidence.value <= evidence.of:
        return None
    _, high = proportion_bounds(evidence.value, evidence.of, confidence)
    share = f"< {math.ceil(high * 1e4 - 1e-9) / 100:.2f} %" if high < 1 else "any rate is possible"
    return f"{evidence.value:,.0f} of {evidence.of:,}: {share} at {confidence * 100:g} %"


def _size_for_distance(measure: Measure, evidence: Evidence, bound: float, confidence: float) -> int | None:
    """The sample at which `confidence` of a normal distribution lies between the present estimate and the bound."""
    if measure.kind == "mean":
        samples = np.asarray(evidence.samples, dtype=np.float64)
        if len(samples) < 2:
            return None
        distance, spread = float(samples.mean()) - bound, float(samples.std(ddof=1))
    else:
        pairs = np.asarray(evidence.pairs, dtype=np.float64).reshape(-1, 2)
        ratio = 1 - bound if measure.form == "reduction" else (1 / bound if bound else 0.0)
        if len(pairs) < 2 or ratio <= 0:
            return None
        distance, spread = log_ratio(pairs) - math.log(ratio), log_ratio_spread(pairs)
    if spread == 0:
        return enough_without_spread(confidence)
    if distance == 0:
        return None
    needed = (NormalDist().inv_cdf(confidence) * spread / distance) ** 2
    return math.ceil(needed) if needed < MOST else None


def _exp(value: float) -> float:
    return math.inf if value == math.inf or value > 700 else math.exp(value)
