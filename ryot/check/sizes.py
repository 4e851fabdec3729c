"""How many samples a verdict takes, from counts and shares alone. Pure, standard library only: `ryot plan` imports it, and numpy would
cost it a tenth of a second. The bounds of samples that were taken are in statistics.py."""

import math
from collections.abc import Callable

from ryot.check.beta import binomial_cdf, incomplete_beta, inverse_beta
from ryot.measures import Comparison, Measure, meets

MOST = 10**7
"""More samples than anybody will take; a larger need is as good as unknowable."""

FEWEST = 4
"""Of a mean or a ratio: with fewer, bootstrap resamples are mostly copies of one another and say nothing."""

FEWEST_CALIBRATED = 100
"""Of a calibration error: with fewer, chance alone makes it about as large as what it is to be held against."""

_TIE = 1e-9
"""Of a probability or a size: what lies so near to the limit is on it, so that no rounding decides."""


def fewest_samples(measure: Measure, comparison: Comparison, bound: float, confidence: float) -> int | None:
    """The samples without which no PASS is possible, however good they are; None where no number of them would do.

    1 for what is compared directly. A sampled measure is never shown to *equal* a number, nor a rate to be exactly 0 or 100 %.
    For an upper bound of the quantile q it is the smallest n with 1 - q^n >= confidence (Conover 1999, section 3.2).
    """
    if measure.kind in ("count", "exact"):
        return 1
    if comparison == "==":
        return None
    if measure.kind in ("mean", "ratio", "calibration"):
        return FEWEST_CALIBRATED if measure.kind == "calibration" else FEWEST
    if measure.kind == "ranking":
        couples = fewest_samples(measure.model_copy(update={"kind": "proportion"}), comparison, bound, confidence)
        return None if couples is None else 2 * couples  # half of the answers right, half of them wrong
    if measure.kind == "proportion" and (certain := _certain(comparison, bound)) is not None:
        return 1 if certain else None
    share = bound if measure.quantile is None else measure.quantile
    if (comparison in ("<", "<=")) != (measure.kind == "percentile"):
        share = 1 - share
    if 0 < share < 1:
        return math.ceil(math.log(1 - confidence) / math.log(share) - _TIE)
    return 1 if comparison in ("<", ">") else None  # a single hit is more than none; no sample is exactly all


def _certain(comparison: Comparison, bound: float) -> bool | None:
    """Whether every share from 0 to 1 meets a bound (True), or none does (False); None where it depends on the share."""
    least, most = meets(0.0, comparison, bound), meets(1.0, comparison, bound)
    if least and most:
        return True
    return False if not least and not most else None


def ranks(n: int, quantile: float, confidence: float) -> tuple[int, int]:
    """The ranks (from 1) among n samples that bound a quantile from below and from above (Conover 1999, section 3.2).

    The r-th smallest is an upper bound when P(Bin(n, quantile) <= r - 1) >= confidence, and a lower one when
    P(Bin(n, quantile) >= r) >= confidence. 0 and n + 1 stand for no bound. For p99 the upper one needs 299 samples at 95 %, for p95 59.
    """
    sure = confidence - _TIE
    above = first(lambda rank: binomial_cdf(rank - 1, n, quantile) >= sure, n)
    beyond = first(lambda rank: 1 - binomial_cdf(rank - 1, n, quantile) < sure, n)
    return beyond - 1, above


def size_for_share(share: float, bound: float, confidence: float) -> int | None:
    """The smallest sample whose Clopper-Pearson bound separates `share` from `bound`, found by doubling and bisection."""
    if share == bound or not 0 <= bound <= 1:
        return None

    def clear(n: int) -> bool:  # the tail beyond the bound, which is quicker than the Clopper-Pearson bound itself and says the same
        if share > bound:
            return incomplete_beta(share * n, n - share * n + 1, bound) <= 1 - confidence
        return incomplete_beta(share * n + 1, n - share * n, bound) >= confidence

    return smallest(clear)


def proportion_bounds(hits: float, of: float, confidence: float) -> tuple[float, float]:
    """Clopper and Pearson's exact bounds of a proportion (Biometrika 26, 1934): never less sure than stated. 0 of 1,000: below 0.30 %."""
    if of <= 0:
        return 0.0, 1.0
    low = inverse_beta(hits, of - hits + 1, 1 - confidence) if hits > 0 else 0.0
    high = inverse_beta(hits + 1, of - hits, confidence) if hits < of else 1.0
    return low, high


def smallest(holds: Callable[[int], bool]) -> int | None:
    """The smallest number for which a monotone condition holds, by doubling and bisection; None where it is above MOST."""
    high = 1
    while not holds(high):
        high *= 2
        if high > MOST:
            return None
    return first(holds, high)


def first(holds: Callable[[int], bool], n: int) -> int:
    """The smallest k in 1..n for which a monotone condition holds; n + 1 where it never does."""
    low, high = 1, n + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
