"""The open loop in Locust's process: every request starts at its own time, whatever became of those before it."""

from __future__ import annotations

import itertools
import time
from collections import deque
from dataclasses import dataclass

import gevent
from gevent.hub import Waiter
from gevent.pool import Group
from gevent.socket import wait_read

from ryot.stages.bench.alarm import Alarm
from ryot.stages.bench.arrivals import offsets_s, ramp_s
from ryot.stages.bench.client import Client
from ryot.stages.bench.orders import Orders, body, traced
from ryot.stages.bench.round import Round

_AHEAD = 64 << 20
"""Bytes of requests that are made before the clock starts; further ones are made while their time is waited for."""
_LEAD_NS = 20_000_000
"""From the start of the clock to the first request."""
_COMMON_LEAD_NS = 200_000_000
"""The same where several processes have one begin: each of them tidies up before."""
_AWAKE_NS, _AWAKE_SHARE = 500_000, 0.02
"""How long before each start this process is awake, at most, and as a share of the time between two: a core that slept is late by some
tenths of a millisecond, which at a low rate every request would have in its latency."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A request whose time has come."""

    number: int
    data: bytes
    intended_ns: int


class OpenLoop:
    """Clients, each with a connection, of which there are as many as requests in flight, `max_in_flight` at most. The one that was used
    last is used first, so that a burst leaves no crowd of connections that are kept awake by turns."""

    def __init__(self, shared: Round) -> None:
        self._round, self._alarm = shared, Alarm(wait_read)
        self._most = len(range(shared.orders.worker, shared.orders.max_in_flight, shared.orders.workers))
        self._idle: list[Waiter] = []
        self._clients = Group()
        self._backlog: deque[Turn] = deque()
        self._ready = _ahead(shared.orders)

    def run(self) -> None:
        """The warm-up at the same pace, then, when all of it was answered, every counted request; ends with the last answer."""
        orders, shared = self._round.orders, self._round
        self._pace(range(orders.warmup))
        shared.warm.wait()
        shared.waited = 0
        shared.begin()
        for first in itertools.count(orders.warmup, orders.requests):
            self._pace(range(first, first + orders.requests), shared.began_ns)
            if not orders.page:
                break
        shared.finished.wait()

    def close(self) -> None:
        """End what is in flight, and the clients."""
        self._clients.kill()
        self._alarm.close()

    def _pace(self, numbers: range, began_ns: int = 0) -> None:
        """Start this process's requests among those of the numbers, at their times from a common begin; from now, where there is none."""
        orders = self._round.orders
        mine = slice(orders.worker, None, orders.workers)
        offsets = _offsets_s(orders, numbers)[mine]
        awake_ns = min(_AWAKE_NS, round(_AWAKE_SHARE * 1e9 * orders.workers / orders.mean_rate))
        start_ns = began_ns + _COMMON_LEAD_NS if began_ns else time.perf_counter_ns() + _LEAD_NS
        for number, offset_s in zip(numbers[mine], offsets, strict=True):
            turn = Turn(number, self._ready.popleft() if self._ready else body(orders, number), start_ns + round(offset_s * 1e9))
            self._alarm.until(turn.intended_ns - awake_ns)
            while time.perf_counter_ns() < turn.intended_ns:
                pass
            self._begin(turn)

    def _begin(self, turn: Turn) -> None:
        if self._idle:
            gevent.get_hub().loop.run_callback(self._idle.pop().switch, turn)
        elif self._round.connections < self._most:
            self._clients.spawn(self._serve, Client(self._round), turn)
        else:
            self._round.waited += 1
            self._backlog.append(turn)

    def _serve(self, client: Client, turn: Turn) -> None:
        waiter = Waiter()
        while True:
            client.ask(turn.number, turn.data, turn.intended_ns)
            if self._backlog:
                turn = self._backlog.popleft()
                continue
            self._idle.append(waiter)
            turn = waiter.get()
            waiter.clear()


def _offsets_s(orders: Orders, numbers: range) -> list[float]:
    """When requests start, in seconds from the begin. The warm-up of a replay is as dense as its trace is on average, that of a ramp as its
    first step."""
    seed, warm = f"{orders.seed} {orders.scenario} arrivals", numbers.start < orders.warmup
    if orders.replay and not warm:
        return [at or 0.0 for _, _, at in traced(orders.trace)[: len(numbers)]]
    if orders.steps and not warm:
        return ramp_s(orders.steps, orders.distribution, seed)
    return offsets_s(len(numbers), orders.steps[0][0] if orders.steps else orders.mean_rate, orders.distribution, seed)


def _ahead(orders: Orders) -> deque[bytes]:
    """The bodies of the first requests, and at least of one."""
    made, size = deque[bytes](), 0
    for turn in range(sum(orders.shares)):
        if size > _AHEAD:
            break
        made.append(body(orders, orders.number(turn)))
        size += len(made[-1])
    return made
