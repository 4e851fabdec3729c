"""The side of the engines: connections that are kept, one request on each at a time.

An answer is either collected, or passed on to a client as it comes: the bytes of the body are written as they were read, chunk framing and
all, while the parser only watches for their end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import httptools

from ryot.gateway.wire import JSON, STREAM, Headers

CONNECT_S = 5.0
MOST_HEAD = 64 << 10
MOST_ANSWER = 256 << 20


class EngineError(Exception):
    """An engine did not answer as it should. `begun` is whether a byte of its answer had come; `stale` whether the connection was an old
    one, which engines close when they like."""

    def __init__(self, words: str, *, begun: bool = False, stale: bool = False) -> None:
        super().__init__(words)
        self.begun, self.stale = begun, stale


@dataclass(slots=True)
class Answer:
    """The head of an answer; its body where it was collected, else None: then it is passed on from `start`, the first bytes of it."""

    status: int
    headers: Headers
    body: bytes | None = None
    start: bytes = b""

    @property
    def content_type(self) -> bytes:
        """As the engine says."""
        return self.headers.get(b"content-type", JSON)


class Exchange(asyncio.Protocol):
    """A connection to an engine."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._parser: httptools.HttpResponseParser
        self._answer: asyncio.Future[Answer] | None = None
        self.deadline = float("inf")
        self.heard = False
        """Whether a part of a stream came since the last sweep; each gives the engine its time anew."""
        self.used = 0
        self.done: Callable[[EngineError | None], None] | None = None
        self.write: Callable[[bytes], None] | None = None
        self.finished = True
        self._collects, self._may_stream = True, False
        self._held = b""
        self._error: EngineError | None = None

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class

    def connection_lost(self, exc: Exception | None) -> None:
        """The engine hung up, or was hung up on."""
        self._pool.forget(self)
        if not self.finished:
            stale = self.used > 1 and not self._begun
            self._fail(f"the engine hung up: {exc}" if exc else "the engine hung up", stale=stale)

    def data_received(self, data: bytes) -> None:
        """A part of an answer."""
        if self.finished:
            self.transport.abort()  # it speaks unasked
            return
        self._begun = True
        if not self._head_done:
            self._raw += data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._fail(str(cause) if isinstance(cause, EngineError) else f"its answer is not HTTP/1.1: {error}")
            return
        if self._passing:
            self.heard = True
            if self.write:
                self.write(data)
        elif not self._head_done:
            if len(self._raw) > MOST_HEAD:
                self._fail("the head of its answer is too large")
            return
        elif not self._collects:
            self._pass_on()
        if self._complete:
            self._finish()

    # the parser's side

    def on_message_begin(self) -> None:
        """An answer begins; it is the only one."""
        if self._complete:
            raise EngineError("it answered more than once")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field. What comes behind the body is none."""
        if self._head_done:
            return
        name = name.lower()
        self._headers[name] = self._headers[name] + b"," + value if name in self._headers else value

    def on_headers_complete(self) -> None:
        """The head is whole: an answer that streams is passed on, any other collected."""
        self._status = self._parser.get_status_code()
        if self._status < 200:
            raise EngineError(f"it answered {self._status}, which nobody had asked for")
        self._head_done = True
        coding = self._headers.get(b"transfer-encoding")
        framed = b"content-length" in self._headers if coding is None else coding.lower().rpartition(b",")[2].strip() == b"chunked"
        streams = framed and self._headers.get(b"content-type", b"").startswith(STREAM)
        self._collects = not (self._may_stream and streams and self._status == 200)

    def on_body(self, data: bytes) -> None:
        """A part of the body."""
        if self._collects:
            self._body.append(data)
            self._size += len(data)
            if self._size > MOST_ANSWER:
                raise EngineError("its answer is too large", begun=True)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        self._complete, self._keep = True, self._parser.should_keep_alive()

    # the gateway's side

    def ask(self, data: bytes, *, stream: bool) -> asyncio.Future[Answer]:
        """Send a request; the answer's future raises EngineError. With `stream` an answer that streams is not waited for: `start` is its
        first bytes, `pass_to` takes the others."""
        self._parser = httptools.HttpResponseParser(self)
        self._headers: Headers = {}
        self._body: list[bytes] = []
        self._raw, self._size, self._status = b"", 0, 0
        self._head_done = self._complete = self._passing = self._begun = self._keep = self.finished = False
        self._collects, self._may_stream = not stream, stream
        self.used += 1
        self.deadline = self._pool.now() + self._pool.timeout_s
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        return self._answer

    def pass_to(self, write: Callable[[bytes], None], done: Callable[[EngineError | None], None]) -> None:
        """Give what comes to `write`, and say at the end that it is whole, or what went wrong."""
        self.write, self.done = write, done
        if self._held:
            held, self._held = self._held, b""
            write(held)
        if self.finished:
            self._told(self._error)

    def cancel(self) -> None:
        """Nobody wants the answer any more; hanging up stops the engine."""
        self.write = self.done = None
        self._answer = None
        self.finished = True
        self.transport.abort()

    def _pass_on(self) -> None:
        """The head is there; what came of the body with it is held until somebody takes it."""
        self._passing = True
        self._held, self._error = b"", None
        start = self._raw[self._raw.index(b"\r\n\r\n") + 4 :]
        self.write = self._hold
        if self._answer and not self._answer.done():
            self._answer.set_result(Answer(self._status, self._headers, None, start))

    def _hold(self, data: bytes) -> None:
        self._held += data

    def _finish(self) -> None:
        self.finished, self.heard = True, False
        self.deadline = float("inf")
        if self._passing:
            self._told(None)
        elif self._answer and not self._answer.done():
            self._answer.set_result(Answer(self._status, self._headers, b"".join(self._body)))
        self._answer = None

    def release(self) -> None:
        """Whoever asked has taken the answer; only now may another one ask. (Were it given away when the answer is whole, who asked first
        might still hang up on it, or wait for it, when he wakes.)"""
        if self._keep and self.finished and not self.transport.is_closing():
            self.transport.resume_reading()
            self._pool.keep(self)
        else:
            self.transport.close()

    def _fail(self, words: str, *, stale: bool = False) -> None:
        self.finished = True
        error = EngineError(words, begun=self._begun, stale=stale)
        if self._answer and not self._answer.done():
            self._answer.set_exception(error)
        elif self._passing:
            self._told(error)
        self._answer = None
        self.transport.abort()

    def expire(self) -> None:
        """It has been silent too long."""
        self._fail(f"the engine was silent for {self._pool.timeout_s:g} s")

    def _told(self, error: EngineError | None) -> None:
        done, self._error = self.done, error
        self.write = self.done = None
        if done:
            done(error)


@dataclass(slots=True)
class Pool:
    """The connections to one engine; the last one used is used first."""

    url: str
    now: Callable[[], float]
    timeout_s: float
    idle: list[Exchange] = field(default_factory=list)
    live: set[Exchange] = field(default_factory=set)

    host: bytes = field(init=False)
    """What stands in the Host field."""

    def __post_init__(self) -> None:
        self.host = urlsplit(self.url).netloc.encode()

    async def take(self, *, fresh: bool = False) -> Exchange:
        """A connection that nobody uses. Raises EngineError where none can be made."""
        while self.idle and not fresh:
            found = self.idle.pop()
            if not found.transport.is_closing():
                return found
        parts = urlsplit(self.url)
        host, port = parts.hostname or "127.0.0.1", parts.port or 80
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                _, exchange = await loop.create_connection(lambda: Exchange(self), host, port)
        except (OSError, TimeoutError) as error:
            raise EngineError(f"no connection to the engine: {error or 'it took too long'}") from None
        self.live.add(exchange)
        return exchange

    def keep(self, exchange: Exchange) -> None:
        """Its answer is whole; it may be used again."""
        self.idle.append(exchange)

    def forget(self, exchange: Exchange) -> None:
        """It is closed."""
        self.live.discard(exchange)
        if exchange in self.idle:
            self.idle.remove(exchange)

    def sweep(self) -> None:
        """Give up on what was silent too long; every second or so."""
        now = self.now()
        for exchange in list(self.live):
            if exchange.heard:
                exchange.heard, exchange.deadline = False, now + self.timeout_s
            elif now > exchange.deadline:
                exchange.expire()

    def close(self) -> None:
        """Hang up everywhere."""
        for exchange in list(self.live):
            exchange.transport.abort()
