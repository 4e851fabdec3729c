"""A load that several processes of Locust share: how its master lets them begin at one time, and waits until it has counted all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from gevent.socket import wait_read
from locust import events, runners

from ryot.stages.bench.alarm import Alarm
from ryot.stages.bench.orders import Orders
from ryot.stages.bench.round import Round

_WARM, _GO, _DONE = "ryot_warm", "ryot_go", "ryot_done"
_LEAD_NS = 50_000_000
"""From the master's word to the begin: it has to reach all workers."""
_REPORT_S, _COUNTED_S = 0.5, 15.0
"""How often workers tell the master their counts, and how long it waits at most for the last of them."""


class Master:
    """Locust's master: makes no request, and its statistics are the count that samples have to agree with."""

    def __init__(self, environment: Any, orders: Orders) -> None:
        self._environment, self._orders = environment, orders
        self._warm = self._done = self._requests = 0
        self._reported = Event()
        environment.runner.register_message(_WARM, self._on_warm)
        environment.runner.register_message(_DONE, self._on_done)
        events.worker_report.add_listener(lambda **_: self._reported.set())
        Path(orders.port).write_text(f"{environment.runner.server.port}\n")

    def _on_warm(self, **_: Any) -> None:
        self._warm += 1
        if self._warm == self._orders.workers:
            self._environment.runner.send_message(_GO, {"at_ns": time.perf_counter_ns() + _LEAD_NS})

    def _on_done(self, msg: Any, **_: Any) -> None:
        self._done += 1
        self._requests += msg.data["requests"]
        if self._done == self._orders.workers:
            gevent.spawn(self._finish)

    def _finish(self) -> None:
        """The last counts are on their way; where they never come, the audit sees that they are missing."""
        with gevent.Timeout(_COUNTED_S, False):
            while self._environment.stats.total.num_requests < self._requests:
                self._reported.clear()
                self._reported.wait()
        Path(self._orders.summary).write_text(json.dumps({"locust_requests": self._environment.stats.total.num_requests}))
        self._environment.runner.quit()


class Worker:
    """One of Locust's workers. `begin` makes its Round, which is handed what to do when it has warmed up."""

    def __init__(self, environment: Any, begin: Callable[[Callable[[], None]], Round]) -> None:
        runners.WORKER_REPORT_INTERVAL = _REPORT_S
        self._runner, self._begin = environment.runner, begin
        self._round: Round | None = None
        self._runner.register_message(_GO, self._on_go, concurrent=True)
        events.test_start.add_listener(self._start)

    def _start(self, **_: Any) -> None:
        self._round = self._begin(lambda: self._runner.send_message(_WARM))
        gevent.spawn(self._finish, self._round)

    def _finish(self, shared: Round) -> None:
        shared.finished.wait()
        shared.close(0)
        self._runner.send_message(_DONE, {"requests": shared.counted})

    def _on_go(self, msg: Any, **_: Any) -> None:
        assert self._round is not None
        alarm = Alarm(wait_read)
        alarm.until(msg.data["at_ns"])
        alarm.close()
        self._round.begin(msg.data["at_ns"])
