"""What drifts while a load goes on: slopes over time, in units an hour. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from ryot.stages.windows import WINDOWS

_HOUR_S = 3600.0


def slopes(times_s: Sequence[float], values: Sequence[float], level: Callable[[Sequence[float]], float]) -> list[float]:
    """How fast `values` grow, an hour, in WINDOWS / 2 estimates whose mean is the drift; none for fewer than WINDOWS values.

    Values, ascending by time, are cut into WINDOWS groups of as many each. A group of the first half and the one as far behind the middle
    make an estimate: the difference of their `level` (mean, median) over that of their mean times (the pairs of Theil's incomplete method,
    1950). No group is in two of them. A single step upwards is in all of them alike: it counts as a drift."""
    count = len(values)
    if count < WINDOWS:
        return []
    edges = [round(number * count / WINDOWS) for number in range(WINDOWS + 1)]
    groups = [slice(first, last) for first, last in pairwise(edges)]
    at_s = [sum(times_s[group]) / len(times_s[group]) for group in groups]
    levels = [level(values[group]) for group in groups]
    half = WINDOWS // 2
    if any(at_s[number + half] <= at_s[number] for number in range(half)):
        return []
    return [(levels[number + half] - levels[number]) / (at_s[number + half] - at_s[number]) * _HOUR_S for number in range(half)]
