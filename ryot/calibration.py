"""How well a confidence tells how often, and which, answers are right. Pure, standard library only; the bounds are in check/calibration.py.

A pair is a confidence from 0 to 1 and whether the answer was right, 1 or 0.
"""

import math
from collections.abc import Sequence

Pair = tuple[float, float]
BINS = 15
"""Of equal width, as Guo et al. (2017) take."""


def calibration_error(pairs: Sequence[Pair], bins: int = BINS) -> float:
    """The expected calibration error: over bins ((k - 1) / bins, k / bins], the distance between the share of right answers and the mean
    confidence, each bin by its share of the answers (Guo et al. 2017, equation 3). Raises ZeroDivisionError for no pair."""
    sums = [0.0] * bins
    for confidence, right in pairs:
        sums[bin_of(confidence, bins)] += right - confidence
    return math.fsum(map(abs, sums)) / len(pairs)


def bin_of(confidence: float, bins: int = BINS) -> int:
    """The bin of a confidence, from 0; a confidence of 0 is in the first."""
    return max(math.ceil(confidence * bins) - 1, 0)


def ranking(pairs: Sequence[Pair]) -> float | None:
    """The AUROC: how often a right answer has the larger confidence than a wrong one, of all such couples, where a tie is half a time
    (Hanley and McNeil 1982, by Mann and Whitney's U with mean ranks). None where all are right, or all wrong."""
    right, wrong = sides(pairs)
    if not right or not wrong:
        return None
    ranks, at = 0.0, 0
    ordered = sorted(pairs)
    while at < len(ordered):
        end = at
        while end < len(ordered) and ordered[end][0] == ordered[at][0]:
            end += 1
        ranks += (at + 1 + end) / 2 * sum(pair[1] for pair in ordered[at:end])
        at = end
    return (ranks - right * (right + 1) / 2) / (right * wrong)


def sides(pairs: Sequence[Pair]) -> tuple[int, int]:
    """How many answers are right, and how many wrong."""
    right = sum(pair[1] == 1 for pair in pairs)
    return right, len(pairs) - right
