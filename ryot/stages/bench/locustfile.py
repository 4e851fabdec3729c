"""The load, run by Locust in a process of its own: `python -m locust -f locustfile.py --headless`.

Locust rounds latencies, waits for answers before it asks again, and its HTTP users add about a millisecond; so each client here holds one
plain keep-alive connection, and every request's times (monotonic nanoseconds) go to a file, untouched. Locust is told of each as well, and
the two counts are compared afterwards.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
from gevent.socket import wait_read
from locust import User, constant, events, task
from locust.exception import StopUser
from locust.runners import MasterRunner, WorkerRunner

from ryot.stages.bench import slices
from ryot.stages.bench.alarm import Alarm
from ryot.stages.bench.client import Client
from ryot.stages.bench.openloop import OpenLoop
from ryot.stages.bench.orders import VARIABLE, Orders, body
from ryot.stages.bench.round import Round
from ryot.stages.bench.sharing import Master, Worker


class CompletionUser(User):  # type: ignore[misc]
    """In a closed loop one client: asks, waits for the answer, asks again. In an open loop the only user, which holds all clients."""

    wait_time = constant(0)
    round: Round

    def on_start(self) -> None:
        """No connection yet."""
        self.loop = OpenLoop(self.round) if self.round.orders.open else None
        self.client = None if self.loop else Client(self.round)
        self.alarm = Alarm(wait_read) if self.round.orders.think else None
        self.answered: int | None = None

    def on_stop(self) -> None:
        """Nothing goes on that this user has begun."""
        for held in (self.loop, self.alarm):
            if held is not None:
                held.close()

    @task  # type: ignore[untyped-decorator]
    def ask(self) -> None:
        """Make the next request, or all of an open loop; stop when all have been made."""
        if self.client is None:
            assert self.loop is not None
            self.loop.run()
            raise StopUser
        self.think()
        number = self.round.take()
        if number is None:
            self.round.finished.wait()
            raise StopUser
        if number >= self.round.orders.warmup:
            self.round.warm.wait()
        self.client.ask(number, body(self.round.orders, number))
        self.answered = number

    def think(self) -> None:
        """Pause after an answer, as people do; to the microsecond, which gevent's own timers do not."""
        if self.alarm is not None and self.answered is not None:
            self.alarm.until(time.perf_counter_ns() + round(self.round.orders.pause_s(self.answered) * 1e9))


@events.init.add_listener  # type: ignore[untyped-decorator]
def _init(environment: Any, web_ui: Any, **_: Any) -> None:
    slices.shorten()  # where the kernel refuses, the audit sees what comes of it
    orders = Orders.load(Path(os.environ[VARIABLE]))
    if orders.page:
        starts = itertools.count(1)
        # Prompts are others each time, so that no cache has seen them.
        events.test_start.add_listener(lambda **_: _begin(replace(orders, seed=orders.seed + next(starts))))
        gevent.spawn(_tell_port, web_ui, Path(orders.page))
    elif isinstance(environment.runner, MasterRunner):
        Master(environment, orders)
    elif isinstance(environment.runner, WorkerRunner):
        Worker(environment, lambda ready: _begin(orders, ready))
    else:
        events.test_start.add_listener(lambda **_: gevent.spawn(_finish, environment, _begin(orders)))


def _begin(orders: Orders, ready: Callable[[], None] | None = None) -> Round:
    CompletionUser.round = Round(orders, ready)
    if not orders.page:
        gevent.spawn(CompletionUser.round.watch)
    return CompletionUser.round


def _tell_port(web_ui: Any, told: Path) -> None:
    while web_ui.server is None or not web_ui.server.started:  # Locust tells nobody when its page is up
        gevent.sleep(0.02)
    told.write_text(f"{web_ui.server.server_port}\n")


def _finish(environment: Any, shared: Round) -> None:
    shared.finished.wait()
    shared.close(environment.stats.total.num_requests)
    environment.runner.quit()
