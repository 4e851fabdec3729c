"""What all clients of one load share, in Locust's process: counts, the file of samples, the generator's watch over itself."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gevent
import psutil
from gevent.event import Event

from ryot.stages.bench.orders import Orders


class Outcome(NamedTuple):
    """One request: intended start and end (ns), tokens, what went wrong or "", when it was sent, and when each token of a stream came."""

    intended_ns: int
    end_ns: int
    tokens: int
    error: str
    sent_ns: int
    marks_ns: tuple[int, ...] = ()


class Round:
    """How many turns were taken, how many warm-ups and requests are done, and the file of samples. `ready` is told when this process has
    warmed up, and sees to it that the round begins; where it is None it begins at once."""

    def __init__(self, orders: Orders, ready: Callable[[], None] | None = None) -> None:
        self.orders = orders
        self._warm_share, self._share = orders.shares
        self._ready = ready or self.begin
        self.began_ns = 0
        self.taken = 0
        self.warm, self.finished = Event(), Event()
        self.warmed = self.warmed_ok = self.counted = 0
        self.connections = self.waited = 0
        self.file = Path(orders.samples).open("w")  # noqa: SIM115 - open as long as the process
        self.process = psutil.Process()
        self.started_s = self.cpu_s = 0.0
        self.lags_s: list[float] = []
        if self._warm_share == 0:
            self._ready()

    def take(self) -> int | None:
        """The number of the next request of a closed loop; None when no further one is to be made."""
        if self._enough():
            self._end()
            return None
        self.taken += 1
        return self.orders.number(self.taken - 1)

    def _enough(self) -> bool:
        """Whether users have asked as often, and for as long, as they were to. A page has no end."""
        orders = self.orders
        if orders.page or self.taken < self._warm_share + self._share:
            return False
        return not orders.duration or (self.warm.is_set() and time.perf_counter() - self.started_s >= orders.duration)

    def _end(self) -> None:
        """All is over with the last answer."""
        if self.counted == self.ordered and not self.orders.page:
            self.finished.set()

    @property
    def ordered(self) -> int:
        """Requests that were to be made, without the warm-up."""
        timed = self.orders.duration and not self.orders.open
        return self.taken - self._warm_share if timed else self._share

    def begin(self, began_ns: int = 0) -> None:
        """The warm-up is over: the clock, and the count of this process's CPU time, start; at a time that all workers have in common, where
        there are several."""
        self.began_ns = began_ns or self.began_ns
        gc.collect()
        gc.freeze()  # else a collection of all that Locust imported stops everything for tens of milliseconds
        self.lags_s.clear()
        self.started_s, self.cpu_s = time.perf_counter(), sum(self.process.cpu_times()[:2])
        self.warm.set()

    def keep(self, number: int, outcome: Outcome) -> None:
        """Take in what became of a request, by its number. The last warm-up lets the counted ones begin, the last of these ends it."""
        if number < self.orders.warmup:
            self.warmed += 1
            self.warmed_ok += not outcome.error
            if self.warmed == self._warm_share:
                self._ready()
            return
        self.file.write(json.dumps([number - self.orders.warmup, *outcome]) + "\n")
        self.counted += 1
        if self.orders.open or self._enough():
            self._end()

    def watch(self) -> None:
        """Record how late this process wakes up: a generator that comes late measures itself, not the server."""
        while not self.finished.is_set():
            begun_s = time.perf_counter()
            gevent.sleep(0.05)
            if self.warm.is_set() and begun_s >= self.started_s:
                self.lags_s.append(time.perf_counter() - begun_s - 0.05)
            self.file.flush()

    def summary(self, locust_count: int) -> dict[str, Any]:
        """What the generator can say of itself."""
        wall_s = time.perf_counter() - self.started_s
        cpu_s = sum(self.process.cpu_times()[:2]) - self.cpu_s
        counts = {"locust_requests": locust_count, "ordered": self.ordered, "warmed": self.warmed, "warmed_ok": self.warmed_ok}
        return counts | {"waited": self.waited, "wall_s": wall_s, "cpu_s": cpu_s, "lags_s": self.lags_s}

    def close(self, locust_count: int) -> None:
        """Close the file of samples, and write what this process says of itself; last, as it says that all samples are there."""
        summary = self.summary(locust_count)
        self.file.close()
        Path(self.orders.summary).write_text(json.dumps(summary))
