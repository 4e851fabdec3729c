"""One client in Locust's process: a kept connection, and the clock around each of its requests."""

from __future__ import annotations

import http.client
import time

import gevent
from locust import events

from ryot.stages.bench.connection import Connection, Reply
from ryot.stages.bench.orders import fault
from ryot.stages.bench.round import Outcome, Round
from ryot.stages.bench.streams import Streamed, read_stream

_IDLE_S = 2.0
"""A connection unused for longer is opened anew; servers close idle ones after about five seconds."""


class Client:
    """Asks on its own connection, keeps what became of it, and tells Locust."""

    def __init__(self, shared: Round) -> None:
        self._round = shared
        self._connection = Connection(shared.orders.url)
        self._used_s = 0.0
        shared.connections += 1

    def ask(self, number: int, data: bytes, intended_ns: int | None = None) -> None:
        """Make the request of this number. Its latency and its timeout count from `intended_ns`; from now, where nothing was intended."""
        if time.perf_counter() - self._used_s > _IDLE_S:
            self._connection.close()
        outcome = self._measured(number, data, intended_ns)
        self._used_s = time.perf_counter()
        self._round.keep(number, outcome)
        if number < self._round.orders.warmup:
            return
        took_ms, failure = (outcome.end_ns - outcome.intended_ns) / 1e6, RuntimeError(outcome.error) if outcome.error else None
        events.request.fire(request_type="POST", name="completion", response_time=took_ms, response_length=0, exception=failure, context={})

    def _measured(self, number: int, data: bytes, intended_ns: int | None) -> Outcome:
        """The answer is read whole within the clock, parsed outside."""
        reply, error = None, ""
        sent_ns = time.perf_counter_ns()
        intended_ns = sent_ns if intended_ns is None else intended_ns
        left_s = self._round.orders.timeout - (sent_ns - intended_ns) / 1e9
        if left_s <= 0:  # no connection was free in all that time
            return Outcome(intended_ns, sent_ns, 0, "timeout", sent_ns)
        try:
            with gevent.Timeout(left_s):
                reply = self._connection.ask(data)
        except (gevent.Timeout, TimeoutError):
            error = "timeout"
        except (OSError, http.client.HTTPException) as problem:
            error = type(problem).__name__
        end_ns = reply.end_ns if reply else time.perf_counter_ns()
        found = self._read(reply, self._round.orders.lengths(number)[1]) if reply else Streamed(error=error)
        if found.error or (reply and not reply.lasts):
            self._connection.close()
        return Outcome(intended_ns, end_ns, found.tokens, found.error, sent_ns, found.marks_ns)

    def _read(self, reply: Reply, output: int) -> Streamed:
        orders = self._round.orders
        try:
            answer = reply.answer()
        except http.client.HTTPException as problem:
            return Streamed(error=type(problem).__name__)
        if orders.stream and answer.status == 200:
            return read_stream(answer.parts, output)
        tokens, error = fault(orders, output, answer.status, answer.body)
        return Streamed((), tokens, error)
