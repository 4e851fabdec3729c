"""When the requests of an open loop are to start. Pure, and the same on every run. Standard library only: Locust's process reads it."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence


def offsets_s(count: int, rate: float, distribution: str, seed: str) -> list[float]:
    """Intended starts of `count` requests in seconds, ascending from 0, at `rate` a second.

    constant: at equal distances. poisson: distances are exponential, drawn from `seed`; the rate that they come out with scatters by
    about 1 / sqrt(count), as it does for real clients, and is not adjusted.
    """
    if distribution == "constant":
        return [number / rate for number in range(count)]
    draw = random.Random(seed)  # noqa: S311 - a load, not a secret
    found, now = [], 0.0
    for _ in range(count):
        found.append(now)
        now -= math.log(1.0 - draw.random()) / rate
    return found


def ramp_s(steps: Sequence[tuple[float, float, int]], distribution: str, seed: str) -> list[float]:
    """Intended starts, ascending from the first step's begin, of a ramp whose steps are (requests a second, seconds, requests).

    Each step has as many as it says. constant: at equal distances. poisson: at times drawn alike over the step, which is what a Poisson
    process is of which the number is known (Ross 2019, theorem 5.2)."""
    found, begin = [], 0.0
    draw = random.Random(seed)  # noqa: S311 - a load, not a secret
    for rate, lasts_s, count in steps:
        drawn = sorted(draw.random() * lasts_s for _ in range(count))
        found += [begin + (number / rate if distribution == "constant" else drawn[number]) for number in range(count)]
        begin += lasts_s
    return found
