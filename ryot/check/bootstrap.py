"""One-sided bounds of a mean and of a ratio of paired totals: the wider of a studentised bootstrap and Student's t.

Why not the plain percentile or the BCa bootstrap: with the 4 to 30 pairs that a comparison has, a bound stated at 95 % missed
in 6 to 16 % of simulated comparisons; they have no term for how badly a small sample knows its own spread. The studentised
bootstrap (Efron and Tibshirani 1993, chapter 12.5; Hall 1988) has one and follows skewness, Student's t is exact for normal
noise and does not depend on chance resamples; where both bounds must agree, the miss was below 5.5 % in 15 of 16 cases, and 6.7 %
with gross outliers in 30 pairs. Bounds are a pure function of the samples: the seed is fixed.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ryot.check.beta import student_quantile
from ryot.check.sizes import FEWEST

Floats = NDArray[np.float64]

_RESAMPLES = 1999  # so that (resamples + 1) times 0.95, 0.99 ... is a whole rank
_LARGEST = 1000
"""Beyond so many samples Student's t alone: what skewness g adds to its miss, g (2 z^2 + 1) phi(z) / (6 sqrt(n)) by Edgeworth's
expansion (Hall 1992, section 2.3), is then below 0.7 % even for an exponential distribution (g = 2)."""


def mean_bounds(samples: Floats, confidence: float) -> tuple[float, float]:
    """Lower and upper bound of the expectation, each at `confidence`. Shapes: samples [n]."""
    n = len(samples)
    if n < FEWEST:
        return -math.inf, math.inf
    center, error = float(samples.mean()), float(samples.std(ddof=1)) / math.sqrt(n)
    if error <= 1e-12 * abs(center):
        return _without_spread(center, n, confidence)

    def one(rows: Floats) -> Floats:
        return _students(rows.mean(axis=1) - center, rows.std(axis=1, ddof=1) / math.sqrt(n))

    low, high = _studentised([samples], lambda drawn: one(drawn[0]), n, confidence)
    return center - high * error, center - low * error


def log_ratio_bounds(pairs: Floats, confidence: float) -> tuple[float, float]:
    """Bounds of log(sum of candidates / sum of baselines), each at `confidence`. Shapes: pairs [n, 2] of positive numbers.

    The standard error is the delta method's: the spread of candidate / mean candidate - baseline / mean baseline.
    """
    n = len(pairs)
    if n < FEWEST:
        return -math.inf, math.inf
    center = log_ratio(pairs)
    error = log_ratio_spread(pairs) / math.sqrt(n)
    if error <= 1e-12:
        return _without_spread(center, n, confidence)

    def one(drawn: list[Floats]) -> Floats:
        baseline, candidate = (rows.mean(axis=1) for rows in drawn)
        rest = drawn[1] / candidate[:, None] - drawn[0] / baseline[:, None]
        return _students(np.log(candidate / baseline) - center, rest.std(axis=1, ddof=1) / math.sqrt(n))

    low, high = _studentised([pairs[:, 0], pairs[:, 1]], one, n, confidence)
    return center - high * error, center - low * error


def log_ratio(pairs: Floats) -> float:
    """log(sum of candidates / sum of baselines). Shapes: pairs [n, 2]."""
    return math.log(float(pairs[:, 1].sum()) / float(pairs[:, 0].sum()))


def log_ratio_spread(pairs: Floats) -> float:
    """What one pair adds to the variance of the log ratio, as a standard deviation (delta method). Shapes: pairs [n, 2], n >= 2."""
    means = pairs.mean(axis=0)
    return float((pairs[:, 1] / means[1] - pairs[:, 0] / means[0]).std(ddof=1))


def enough_without_spread(confidence: float) -> int:
    """How many equal samples show, at `confidence`, that at least 95 % of what will be met is like them: 0.95^n <= 1 - c."""
    return math.ceil(math.log(1 - confidence) / math.log(0.95) - 1e-9)


def _without_spread(center: float, n: int, confidence: float) -> tuple[float, float]:
    """A few samples that agree to the last digit do not know their spread: there is no bound."""
    return (center, center) if n >= enough_without_spread(confidence) else (-math.inf, math.inf)


def _studentised(columns: list[Floats], statistic: Callable[[list[Floats]], Floats], n: int, confidence: float) -> tuple[float, float]:
    """The lower and upper quantile of the studentised statistic: the wider of the resampled ones and Student's."""
    student = student_quantile(confidence, n - 1)
    if n > _LARGEST:
        return -student, student
    ranked = np.sort(statistic([column[_picks(n)] for column in columns]))
    rank = min(math.ceil(confidence * (_RESAMPLES + 1)), _RESAMPLES)
    return min(float(ranked[_RESAMPLES - rank]), -student), max(float(ranked[rank - 1]), student)


@lru_cache(maxsize=4)
def _picks(n: int) -> NDArray[np.intp]:
    """Which samples each resample draws [resamples, n]. RandomState's stream is frozen: any numpy gives the same verdict."""
    return np.random.RandomState(20260701).randint(0, n, size=(_RESAMPLES, n))


def _students(difference: Floats, error: Floats) -> Floats:
    """difference / error, where a resample without any spread counts as infinitely far out, or 0 where it hit the centre."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(error > 1e-300, difference / error, np.where(difference == 0, 0.0, np.sign(difference) * np.inf))
    return found
