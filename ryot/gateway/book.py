"""The book of requests that have ended. Nobody waits for one to be counted and written: they are kept, and settled many at a time, which
costs a fraction for each."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from ryot.gateway.access import Log
from ryot.gateway.metrics import Metrics

if TYPE_CHECKING:
    from ryot.gateway.app import Call

MOST_KEPT = 256


class Ended(NamedTuple):
    """A request that has ended, without what was asked. `time` is since the epoch; `queued_s` is None for one that never got a turn."""

    time: float
    id: bytes
    method: bytes
    route: str
    status: int
    seconds: float
    queued_s: float | None
    size: int
    replica: str
    tries: int
    cache: str
    tokens: int
    events: int


class Book:
    """What is counted in `metrics` and written to `log` at the next settling."""

    def __init__(self, metrics: Metrics, log: Log) -> None:
        self._metrics, self._log = metrics, log
        self._kept: list[Ended] = []

    def add(self, call: Call, status: int, seconds: float) -> None:
        """A request has ended."""
        asked = call.request
        self._kept.append(
            Ended(
                time.time(), call.id, asked.method, call.route, status, seconds, call.queued_s, len(asked.body), call.replica, call.tries,
                call.cache, call.tokens, call.events,
            )
        )  # fmt: skip
        if len(self._kept) >= MOST_KEPT:
            self.settle()

    def settle(self) -> None:
        """Count and write what is kept; before anybody reads either, and every second or so."""
        kept, self._kept = self._kept, []
        for ended in kept:
            self._metrics.done(ended)
            self._log.request(ended)
