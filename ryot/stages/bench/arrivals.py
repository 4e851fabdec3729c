"""When the requests of an open loop are to start. Pure, and the same on every run. Standard library only: Locust's process reads it."""

from __future__ import annotations

import math
import random


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
