"""A distribution of percentiles as HdrHistogram prints it (`.hgrm`), which its plotter reads. Of raw samples, so it is exact. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from statistics import fmean, pstdev

FILE = "latency.hgrm"
_TICKS = 5
"""Lines for each half of what is left to 100 %: HdrHistogram's own default."""


def printed(values_s: Sequence[float]) -> str:
    """Seconds, printed in milliseconds. There are no buckets, and it says so."""
    ranked, count = sorted(value * 1e3 for value in values_s), len(values_s)
    lines = [f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}", ""]
    for above, of in _left() if ranked else ():
        value = ranked[max(count - count * above // of, 1) - 1]
        below = bisect_right(ranked, value)
        lines.append(f"{value:12.3f} {1 - above / of:2.12f} {below:10d} {of / above:14.2f}")
        if below == count:
            break
    if ranked:
        lines.append(f"{ranked[-1]:12.3f} {1:2.12f} {count:10d}")
        lines.append(f"#[Mean    = {fmean(ranked):12.3f}, StdDeviation   = {pstdev(ranked):12.3f}]")
        lines += [f"#[Max     = {ranked[-1]:12.3f}, Total count    = {count:12d}]", f"#[Buckets = {0:12d}, SubBuckets     = {0:12d}]"]
    return "\n".join(lines) + "\n"


def _left() -> Iterator[tuple[int, int]]:
    """What is left to 100 %, as (above, of): 10/10, 9/10, ..., 6/10, then 10/20, ..., 6/20, and so on."""
    of = 2 * _TICKS
    while True:
        yield from ((above, of) for above in range(2 * _TICKS, _TICKS, -1))
        of *= 2
