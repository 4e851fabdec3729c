"""Whether a server keeps up with an open loop, or its latencies are only not bad yet. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ryot.stages.bench.samples import Sample

MOST_LEFT = 0.05
"""The share of what comes that may be left over, time and again, before a server is said not to keep up."""


def left_over(samples: Sequence[Sample]) -> float:
    """The share of the requests that was not answered but added to those in flight, from the second quarter of the time of the starts to
    the fourth; 0 where the growth is within three times the scatter of a Poisson number. A server that keeps up has about as many in flight
    at all times, however many that are (Little 1961)."""
    end_s = samples[-1].intended_s if samples else 0.0
    if end_s <= 0:
        return 0.0
    early, late = (_in_flight(samples, end_s * first / 4, end_s * (first + 1) / 4) for first in (1, 3))
    came = sum(end_s * 3 / 8 < sample.intended_s <= end_s * 7 / 8 for sample in samples)
    grown = late - early
    return grown / came if came and grown > 3 * math.sqrt(early + 1) else 0.0


def _in_flight(samples: Sequence[Sample], start_s: float, stop_s: float) -> float:
    """How many requests were in flight on average between two times."""
    spent = sum(max(min(sample.end_s, stop_s) - max(sample.intended_s, start_s), 0.0) for sample in samples)
    return spent / (stop_s - start_s)
