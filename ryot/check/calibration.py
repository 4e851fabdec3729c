"""One-sided bounds of an expected calibration error and of an AUROC, from pairs of a confidence and whether the answer was right. Pure.

The measured calibration error is too large: chance alone parts confidence and share in every bin, and a bootstrap adds the same once more.
So the upper bound is the larger of the percentile and the basic bootstrap over items (Davison and Hinkley 1997, sections 5.2 and 5.3). The
lower bound, on which a FAIL rests, is 0 unless the error is larger than 95 of 100 (at 95 %) that perfectly calibrated answers of the same
confidences would show (consistency resampling, Broecker and Smith 2007); then it is the smallest of the two bootstraps' and the error less
the mean of those. The misses in simulations stand in decision 0019.

The AUROC's are Clopper and Pearson's for the mean of min(right, wrong) couples, each of one right and one wrong answer: Mann and Whitney's
statistic is no less exact than that (Hoeffding 1948; Birnbaum and Klose 1957), also where all couples are in order and no spread is seen.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ryot.calibration import BINS, ranking, sides
from ryot.check.sizes import FEWEST_CALIBRATED, proportion_bounds

Floats = NDArray[np.float64]
_MANY = 2000
"""From so many answers on fewer resamples are drawn: the bounds are narrow by then, and `ryot check` should not take seconds."""
_MOST_AT_ONCE = 1 << 20


def calibration_bounds(pairs: Floats, confidence: float) -> tuple[float, float]:
    """Lower and upper bound of the calibration error, each at `confidence`. Shapes: pairs [n, 2]."""
    n = len(pairs)
    if n < FEWEST_CALIBRATED:
        return -math.inf, math.inf
    random = np.random.RandomState(20260701)  # its stream is frozen: any numpy gives the same verdict
    resamples = 999 if n <= _MANY else 199  # so that (resamples + 1) times 0.95, 0.99 ... is a whole rank
    found, drawn, null = float(_errors(pairs[None])[0]), np.empty(resamples), np.empty(resamples)
    step = max(_MOST_AT_ONCE // n, 1)
    for begin in range(0, resamples, step):
        rows = min(step, resamples - begin)
        drawn[begin : begin + rows] = _errors(pairs[random.randint(0, n, (rows, n))])
        right = random.random_sample((rows, n)) < pairs[:, 0]
        null[begin : begin + rows] = _errors(np.stack((np.broadcast_to(pairs[:, 0], (rows, n)), right), axis=2))
    rank = min(math.ceil(confidence * (resamples + 1)), resamples)
    ranked = np.sort(drawn)
    least, most = float(ranked[resamples - rank]), float(ranked[rank - 1])
    shown = found > np.sort(null)[rank - 1]
    low = min(least, 2 * found - most, found - float(null.mean())) if shown else 0.0
    return max(low, 0.0), min(max(most, 2 * found - least), 1.0)


def ranking_bounds(pairs: Floats, confidence: float) -> tuple[float, float]:
    """Lower and upper bound of the AUROC, each at `confidence`. Shapes: pairs [n, 2]."""
    rows = [(float(told), float(right)) for told, right in pairs]
    found, couples = ranking(rows), min(sides(rows))
    return (-math.inf, math.inf) if found is None else proportion_bounds(found * couples, couples, confidence)


def _errors(rows: Floats) -> Floats:
    """The calibration error of each row. Shapes: rows [r, n, 2], result [r]."""
    count, n = rows.shape[:2]
    bins = np.maximum(np.ceil(rows[:, :, 0] * BINS).astype(np.int64) - 1, 0) + BINS * np.arange(count)[:, None]
    sums = np.bincount(bins.ravel(), (rows[:, :, 1] - rows[:, :, 0]).ravel(), count * BINS)
    found: Floats = np.abs(sums.reshape(count, BINS)).sum(axis=1) / n
    return found
