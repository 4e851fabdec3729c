"""The load, run by Locust in a process of its own: `python -m locust -f locustfile.py --headless`. Closed loop.

Locust rounds latencies and its HTTP users add about a millisecond; so each user here holds one plain keep-alive connection, and
every request's start and end (monotonic nanoseconds) goes to a file, untouched. Locust is told of each as well, and the two
counts are compared afterwards.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gevent
import psutil
from gevent.event import Event
from locust import User, constant, events, task
from locust.exception import StopUser

from ryot.stages.bench.orders import VARIABLE, Orders, body, fault

HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-cache"}
"""An answer that the gateway has kept would be no measurement."""
_IDLE_S = 2.0
"""A connection unused for longer is opened anew before the clock starts; servers close idle ones after about five seconds."""


class Round:
    """What all users share: the next number, how many warm-ups and requests are done, and the file of samples."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.numbers = itertools.count()
        self.warm, self.finished = Event(), Event()
        self.warmed = self.warmed_ok = self.counted = 0
        self.file = Path(orders.samples).open("w", buffering=1)  # noqa: SIM115 - open as long as the process
        self.process = psutil.Process()
        self.started_s = self.cpu_s = 0.0
        self.lags_s: list[float] = []
        if orders.warmup == 0:
            self.begin()

    def begin(self) -> None:
        """The warm-up is over: the clock, and the count of this process's CPU time, start."""
        self.started_s, self.cpu_s = time.perf_counter(), sum(self.process.cpu_times()[:2])
        self.warm.set()

    def warm_up_done(self, *, ok: bool) -> None:
        """One warm-up request more; the last one lets the counted requests begin."""
        self.warmed += 1
        self.warmed_ok += ok
        if self.warmed == self.orders.warmup:
            self.begin()

    def keep(self, number: int, start_ns: int, end_ns: int, tokens: int, error: str) -> None:
        """Write one counted request's sample; the last one ends the run."""
        self.file.write(json.dumps([number, start_ns, end_ns, tokens, error]) + "\n")
        self.counted += 1
        if self.counted == self.orders.requests:
            self.finished.set()

    def watch(self) -> None:
        """Record how late this process wakes up: a generator that comes late measures itself, not the server."""
        while not self.finished.is_set():
            due = time.perf_counter() + 0.05
            gevent.sleep(0.05)
            if self.warm.is_set():
                self.lags_s.append(time.perf_counter() - due)

    def summary(self, locust_count: int) -> dict[str, Any]:
        """What the generator can say of itself."""
        wall_s = time.perf_counter() - self.started_s
        cpu_s = sum(self.process.cpu_times()[:2]) - self.cpu_s
        counts = {"locust_requests": locust_count, "warmed": self.warmed, "warmed_ok": self.warmed_ok}
        return counts | {"wall_s": wall_s, "cpu_s": cpu_s, "lags_s": self.lags_s}


class CompletionUser(User):  # type: ignore[misc]
    """One client: asks, waits for the answer, asks again."""

    wait_time = constant(0)
    round: Round

    def on_start(self) -> None:
        """No connection yet."""
        self.connection: http.client.HTTPConnection | None = None
        self.used_s = 0.0

    @task  # type: ignore[untyped-decorator]
    def ask(self) -> None:
        """Make the next request; stop when all have been made."""
        orders = self.round.orders
        number = next(self.round.numbers)
        if number >= orders.warmup:
            self.round.warm.wait()
        if number >= orders.warmup + orders.requests:
            self.round.finished.wait()
            raise StopUser
        data = body(orders, number)
        if time.perf_counter() - self.used_s > _IDLE_S:
            self.open()
        start_ns, end_ns, tokens, error = self.measured(data)
        self.used_s = time.perf_counter()
        if number < orders.warmup:
            self.round.warm_up_done(ok=not error)
            return
        self.round.keep(number - orders.warmup, start_ns, end_ns, tokens, error)
        took_ms, failure = (end_ns - start_ns) / 1e6, RuntimeError(error) if error else None
        events.request.fire(request_type="POST", name="completion", response_time=took_ms, response_length=0, exception=failure, context={})

    def measured(self, data: bytes) -> tuple[int, int, int, str]:
        """One request: start and end (ns), tokens, and what went wrong. The answer is read whole within the clock, parsed outside."""
        orders, status, answer, error = self.round.orders, 0, b"", ""
        start_ns = time.perf_counter_ns()
        try:
            with gevent.Timeout(orders.timeout):
                status, answer = self.exchange(data)
        except (gevent.Timeout, TimeoutError):
            error = "timeout"
        except (OSError, http.client.HTTPException) as problem:
            error = type(problem).__name__
        end_ns = time.perf_counter_ns()
        tokens = 0
        if not error:
            tokens, error = fault(orders, status, answer)
        if error:
            self.close()
        return start_ns, end_ns, tokens, error

    def exchange(self, data: bytes) -> tuple[int, bytes]:
        """Send one request on the open connection, or on a new one; returns status and body."""
        if self.connection is None:
            self.open()
        assert self.connection is not None
        self.connection.request("POST", "/v1/completions", data, HEADERS)
        response = self.connection.getresponse()
        return response.status, response.read()

    def open(self) -> None:
        """A fresh connection; one that cannot be made shows at the next exchange."""
        self.close()
        self.connection = http.client.HTTPConnection(urlsplit(self.round.orders.url).netloc, timeout=self.round.orders.timeout)

    def close(self) -> None:
        """Drop the connection."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def _start(environment: Any, **_: Any) -> None:
    CompletionUser.round = Round(Orders.load(Path(os.environ[VARIABLE])))
    gevent.spawn(CompletionUser.round.watch)
    gevent.spawn(_finish, environment, CompletionUser.round)


def _finish(environment: Any, shared: Round) -> None:
    shared.finished.wait()
    summary = shared.summary(environment.stats.total.num_requests)
    shared.file.close()
    Path(shared.orders.summary).write_text(json.dumps(summary))
    environment.runner.quit()
