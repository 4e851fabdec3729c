"""What a gateway does with a request: who may ask, what is asked, from the cache or of which engine, when, and what is told of it."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from ryot.gateway import checks, control, infer
from ryot.gateway.access import Door, Log
from ryot.gateway.admission import Admission, Ticket
from ryot.gateway.book import Book
from ryot.gateway.budget import RetryBudget
from ryot.gateway.cache import Answer as Cached
from ryot.gateway.cache import ResponseCache
from ryot.gateway.checks import Ask
from ryot.gateway.metrics import Metrics
from ryot.gateway.refused import Refused
from ryot.gateway.replicas import Replica, Replicas
from ryot.gateway.server import Connection, Request
from ryot.gateway.settings import Settings
from ryot.gateway.trace import Tracing
from ryot.gateway.upstream import Answer, EngineError, Exchange
from ryot.gateway.wire import CHUNKED, JSON, head, request, sized

ENGINE_ROUTES: dict[bytes, Callable[[bytes, Settings], Ask]] = {
    checks.COMPLETIONS: checks.completion,
    checks.CHAT: checks.chat,
    b"/infer": checks.infer,
}
LEFT = 499
"""The status that a request has in the log whose client left (nginx's)."""
_ID = re.compile(rb"[A-Za-z0-9._\-]{1,64}")
_EVENT = b"data: {"
_TOKENS = re.compile(rb'"completion_tokens":\s*(\d{1,9})\b')
_TAIL = 1000
"""Bytes from the end of an answer in which it says how many tokens it has."""
_BYPASS = (b"no-cache", b"no-store")
_TELLS_NOTHING = (502, 503)
"""Statuses of an engine that has not begun: another may be asked."""


@dataclass(slots=True)
class Call:
    """One request on its way, and what will be told of it."""

    request: Request
    connection: Connection
    route: str
    started_s: float
    id: bytes
    queued_s: float | None = None
    """How long it waited for its turn."""
    replica: str = ""
    cache: str = ""
    tokens: int = 0
    events: int = 0
    """Of a stream, passed on."""
    tries: int = 0
    trial: bool = False
    """Whether it is the one request by which a breaker tries its replica."""
    judged: bool = False
    """Whether it has told whether its replica is well."""
    begun: bool = False
    """Whether a stream was begun, into which no other answer can be written."""
    trace: object = None

    @property
    def headers(self) -> bytes:
        """The header lines of its answer."""
        return b"x-request-id: %s\r\n" % self.id


@dataclass(slots=True)
class Gateway:
    """One front. `now` is a monotonic clock in seconds."""

    settings: Settings
    door: Door
    log: Log
    tracing: Tracing
    now: Callable[[], float]
    replicas: Replicas = field(init=False)
    admission: Admission = field(init=False)
    cache: ResponseCache = field(init=False)
    budget: RetryBudget = field(init=False)
    metrics: Metrics = field(init=False)
    book: Book = field(init=False)
    draining: bool = False
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _began_s: float = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self._began_s = self.now()
        self.replicas = Replicas.of(settings, self.now)
        self.admission = Admission(settings.sequences * len(settings.replicas), settings.waiting)
        self.cache = ResponseCache(settings.cache_ttl, settings.cache)
        self.budget = RetryBudget(settings.retry_share)
        self.metrics = Metrics(self)
        self.book = Book(self.metrics, self.log)

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return self.now() - self._began_s

    def resize(self) -> None:
        """As many sequences inside as the living engines take."""
        self.admission.resize(self.settings.sequences * max(self.replicas.living, 1))

    # from a request to its answer

    def handle(self, request: Request, connection: Connection) -> None:
        """Answer a request, now or later."""
        path = request.path.partition(b"?")[0]
        given = request.headers.get(b"x-request-id", b"")
        identity = given if _ID.fullmatch(given) else secrets.token_hex(8).encode()
        call = Call(request, connection, "other", self.now(), identity)
        try:
            self.door.check(request, path)
            found = ENGINE_ROUTES.get(path)
            if found is None:
                self._control(call, path)
                return
            call.route = path.decode()
            _refuse_method(request, b"POST")
            if not request.headers.get(b"content-type", b"").lower().startswith(JSON):
                raise Refused(415, "content-type is application/json")
            ask = found(request.body, self.settings)
            if ask.stream and not request.modern:
                raise Refused(400, "a stream needs HTTP/1.1", param="stream")
        except Refused as refused:
            self._refuse(call, refused)
            return
        self.budget.earn()
        if ask.key is not None and not self._bypassed(request):
            kept = self.cache.get(ask.key, call.started_s)
            call.cache = "miss" if kept is None else "hit"
            if kept is not None:
                self._answer(call, 200, kept.content_type, self._finished(call, kept.body))
                return
        call.trace = self.tracing.begin(call.route, request.headers)
        task = asyncio.get_running_loop().create_task(self._relay(call, ask))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        connection.gone = task.cancel

    def _control(self, call: Call, path: bytes) -> None:
        route, method = control.route_of(path, self.settings.model)
        call.route = route
        _refuse_method(call.request, method)
        self._answer(call, *control.answer(route, self))

    def _bypassed(self, request: Request) -> bool:
        return any(word in request.headers.get(b"cache-control", b"").lower() for word in _BYPASS)

    async def _relay(self, call: Call, ask: Ask) -> None:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        ticket = Ticket(ask.weight, lambda: None if turn.done() else turn.set_result(None))
        try:
            await self._enter(call, ticket, turn)
            try:
                await self._ask(call, ask)
            finally:
                self.admission.leave(ticket)
        except Refused as refused:
            self._refuse(call, refused)
        except asyncio.CancelledError:
            self.metrics.left.inc()
            self._told(call, LEFT)
        except Exception as error:
            self.log.fault(call.id, error)
            if call.begun:
                call.connection.abort()
                self._told(call, 500)
            else:
                self._refuse(call, Refused(500, "the gateway failed", "internal"))

    async def _enter(self, call: Call, ticket: Ticket, turn: asyncio.Future[None]) -> None:
        """Wait for a turn. Raises Refused, 429, where there is no room to wait, or it takes too long."""
        entered = self.admission.ask(ticket)
        if entered:
            call.queued_s = 0.0
            return
        again = max(round(self.settings.deadline), 1)
        if entered is None:
            raise Refused(429, f"{self.settings.waiting} requests are waiting already", "queue_full", retry_after=again)
        try:
            async with asyncio.timeout(self.settings.deadline):
                await turn
        except TimeoutError:
            if self.admission.withdraw(ticket):
                raise Refused(429, f"its turn did not come within {self.settings.deadline:g} s", "deadline", retry_after=again) from None
        except asyncio.CancelledError:
            if not self.admission.withdraw(ticket):
                self.admission.leave(ticket)
            raise
        call.queued_s = self.now() - call.started_s

    async def _ask(self, call: Call, ask: Ask) -> None:
        """Ask engines until one answers. Raises Refused where none does, or the budget for retries is spent."""
        tried: list[Replica] = []
        wrong = ""
        while True:
            replica = self.replicas.pick(tried)
            if replica is None:
                what = f"the engine failed: {wrong}" if wrong else "no engine can be asked now"
                raise Refused(502 if wrong else 503, what, "bad_engine" if wrong else "no_engine", retry_after=2)
            call.replica, call.tries = replica.name, call.tries + 1
            replica.in_flight += ask.weight
            call.trial, call.judged = replica.breaker.begin(self.now()), False
            try:
                exchange, answer = await self._exchange(call, ask, replica)
                if answer.status not in _TELLS_NOTHING:
                    await self._deliver(call, ask, replica, exchange, answer)
                    return
                wrong = f"it answered {answer.status}"
                self._failed(replica, call)
            except EngineError as error:
                self._failed(replica, call)
                wrong = str(error)
                if error.begun:
                    raise Refused(502, f"the engine failed in its answer: {wrong}", "bad_engine") from None
            finally:
                replica.in_flight -= ask.weight
                if not call.judged:
                    replica.breaker.give_back(trial=call.trial)
            tried.append(replica)
            if not self.budget.spend():
                raise Refused(502, f"the engine failed: {wrong}", "bad_engine", retry_after=2)
            self.metrics.retries.inc()

    async def _exchange(self, call: Call, ask: Ask, replica: Replica) -> tuple[Exchange, Answer]:
        data = request(b"POST", ask.path, replica.pool.host, ask.body, call.headers + self.tracing.header(call.trace, call.request.headers))
        exchange = await replica.pool.take()
        while True:
            try:
                answer = await exchange.ask(data, stream=ask.stream)
            except EngineError as error:
                if not error.stale:
                    raise
                exchange = await replica.pool.take(fresh=True)
                continue
            except asyncio.CancelledError:
                exchange.cancel()
                raise
            if answer.body is not None:
                exchange.release()
            else:
                self.metrics.first_byte(call.route, self.now() - call.started_s)
            return exchange, answer

    async def _deliver(self, call: Call, ask: Ask, replica: Replica, exchange: Exchange, answer: Answer) -> None:
        if answer.body is None:
            await self._stream(call, replica, exchange, answer)
            return
        body = answer.body
        if answer.status == 200:
            body = self._understood(call, ask, replica, body)
            if ask.key is not None and call.cache:  # it was looked for there
                self.cache.put(ask.key, Cached(body, answer.content_type), self.now())
            body = self._finished(call, body)
        self._judge(replica, answer.status, call)
        self._answer(call, answer.status, answer.content_type, body)

    def _understood(self, call: Call, ask: Ask, replica: Replica, body: bytes) -> bytes:
        """The body of an answer, that of /infer without its end. Raises Refused for one that is no completion."""
        tokens = _TOKENS.search(body, max(len(body) - _TAIL, 0))
        try:
            if tokens is None:
                raise Refused(502, "the engine's answer does not say how many tokens it has", "bad_engine")
            found = infer.predictions(ask, body) if ask.k else body
        except Refused:
            self._failed(replica, call)
            raise
        call.tokens = int(tokens[1])
        return found

    def _finished(self, call: Call, body: bytes) -> bytes:
        """The body of an answer; that of /infer ends with how long it took."""
        return infer.with_latency(body, self.now() - call.started_s) if call.route == "/infer" else body

    async def _stream(self, call: Call, replica: Replica, exchange: Exchange, answer: Answer) -> None:
        """Pass a stream on as it comes. A client that does not take it stops the engine's side too."""
        connection, transport = call.connection, exchange.transport
        length = answer.headers.get(b"content-length")
        framing = CHUNKED if length is None else sized(int(length))
        more = call.headers + b"cache-control: no-cache\r\n"
        whole: asyncio.Future[EngineError | None] = asyncio.get_running_loop().create_future()

        send = connection.transport.write

        def write(data: bytes) -> None:
            send(data)
            call.events += data.count(_EVENT)
            if connection.full:
                transport.pause_reading()

        connection.drained, call.begun = transport.resume_reading, True
        write(head(answer.status, answer.content_type, framing, more, keep=connection.keep) + answer.start)
        call.events = answer.start.count(_EVENT)
        exchange.pass_to(write, lambda error: None if whole.done() else whole.set_result(error))
        try:
            error = await whole
        except asyncio.CancelledError:
            exchange.cancel()
            raise
        if error:
            self._failed(replica, call)
            connection.abort()
            self._told(call, 502)
            return
        exchange.release()
        self._judge(replica, answer.status, call)
        connection.end()
        self._told(call, answer.status)

    # what becomes of it

    def _judge(self, replica: Replica, status: int, call: Call) -> None:
        if status >= 500:
            self._failed(replica, call)
        else:
            call.judged = True
            replica.answered += 1
            replica.breaker.succeed()

    def _failed(self, replica: Replica, call: Call) -> None:
        call.judged = True
        replica.failed += 1
        replica.breaker.fail(self.now(), trial=call.trial)
        self.resize()

    def _answer(self, call: Call, status: int, content_type: bytes, body: bytes) -> None:
        more = call.headers + (b"x-cache: %s\r\n" % call.cache.encode() if call.cache else b"")
        call.connection.answer(status, content_type, body, more)
        self._told(call, status)

    def _refuse(self, call: Call, refused: Refused) -> None:
        call.connection.answer(refused.status, JSON, refused.body, call.headers + refused.headers)
        self._told(call, refused.status)

    def _told(self, call: Call, status: int) -> None:
        self.tracing.end(call.trace, status)
        self.book.add(call, status, self.now() - call.started_s)


def _refuse_method(request: Request, method: bytes) -> None:
    if request.method != method:
        raise Refused(405, f"this route takes {method.decode()}", "method_not_allowed", allow=method.decode())
