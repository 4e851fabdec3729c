"""The side of the clients: connections that read requests one after another, within bounds, and write answers.

Parsing is httptools' (llhttp, Node's parser). A connection goes on reading while its request is answered, so that a client who leaves is
noticed; what it sends ahead is kept, up to a bound.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, cast

import httptools

from ryot.gateway.refused import Refused
from ryot.gateway.wire import JSON, Headers, head, sized

MOST_TARGET, MOST_HEADERS, MOST_HEADER_BYTES = 2048, 64, 16 << 10
HEAD_S, BODY_S, IDLE_S, STALL_S = 10.0, 60.0, 75.0, 60.0
"""Seconds for a whole head, a whole request, between two requests, and in which a client must take something of its answer."""
LINGER_S = 2.0
"""Seconds in which what a client still sends of a request that was refused is thrown away: closing at once would reset the connection, and
the answer might be lost with it."""
_AHEAD = 256 << 10
"""Bytes that a client may send before it is answered."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(slots=True)
class Request:
    """One request, whole."""

    method: bytes
    path: bytes
    headers: Headers
    body: bytes
    keep: bool
    """Whether the connection stays open after the answer."""
    modern: bool
    """Whether the client speaks HTTP/1.1, which has chunks."""


class Handler(Protocol):
    """What answers requests."""

    def handle(self, request: Request, connection: Connection) -> None:
        """Answer, now or later, by `connection.answer` or `connection.begin`."""


class Connection(asyncio.Protocol):
    """One client. `gone` is called when it leaves before its answer is whole; `drained` when it takes data again."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self.gone: Callable[[], object] | None = None
        self.drained: Callable[[], None] | None = None
        self.full = False
        self.busy = False
        self._lingers = False
        self._requests: deque[Request] = deque()
        self._broken: Refused | None = None
        self._ahead = b""
        self._keep, self._bodyless = True, False
        self._start()

    def _start(self) -> None:
        self._target = b""
        self._headers: Headers = {}
        self._body: list[bytes] = []
        self._count = self._header_bytes = self._body_bytes = 0
        self._in_body = False

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        if len(self._server.connections) >= self._server.most_connections:
            self.transport.abort()
        self.deadline = self._server.now() + HEAD_S
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client left."""
        self._server.lost(self)
        gone, self.gone, self.drained = self.gone, None, None
        if gone:
            gone()

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        if self._lingers:
            return
        if self.busy or self.full:
            self._ahead += data
            if len(self._ahead) > _AHEAD:  # reading on is the only way to notice that it leaves
                self.transport.abort()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:  # behind a request without a body: the upgrade is passed over
            self._parser = httptools.HttpRequestParser(self)
            if rest := data[upgrade.args[0] :]:
                self.data_received(rest)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._break(cause if isinstance(cause, Refused) else Refused(400, f"this is not HTTP/1.1: {error}", "bad_http"))

    def eof_received(self) -> bool:
        """A client that has closed its side is taken to have left."""
        return False

    def pause_writing(self) -> None:
        """The client does not take what is sent."""
        self.full = True
        self.deadline = self._server.now() + STALL_S

    def resume_writing(self) -> None:
        """It does again."""
        self.full = False
        self.deadline = math.inf if self.busy else self._server.now() + IDLE_S
        if self.drained:
            self.drained()
        if not self.busy:
            self._server.soon(self._next)

    # the parser's side

    def on_message_begin(self) -> None:
        """A request begins."""
        self._start()
        self._wait(HEAD_S)

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        self._target += url
        if len(self._target) > MOST_TARGET:
            raise Refused(414, "the target is too long")

    def on_header(self, name: bytes, value: bytes | None) -> None:
        """A header field."""
        value = value or b""
        self._count += 1
        self._header_bytes += len(name) + len(value)
        if self._count > MOST_HEADERS or self._header_bytes > MOST_HEADER_BYTES:
            raise Refused(431, "the header is too large")
        if self._in_body:  # a trailer is no header
            return
        name = name.lower()
        self._headers[name] = self._headers[name] + b"," + value if name in self._headers else value

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._wait(BODY_S)
        self._in_body = True
        parser = self._parser
        has_body = b"transfer-encoding" in self._headers or self._headers.get(b"content-length", b"0") != b"0"
        if parser.should_upgrade() and (has_body or parser.get_method() == b"CONNECT"):
            raise Refused(400, "this server does not change protocols: leave the Upgrade field out")
        length = self._headers.get(b"content-length")
        if length is not None and length.isdigit() and int(length) > self._server.most_body:
            raise Refused(413, f"the body is larger than {self._server.most_body} bytes")
        if self._headers.get(b"expect", b"").lower() == b"100-continue" and not self.busy and parser.get_http_version() == "1.1":
            self.transport.write(_CONTINUE)

    def on_body(self, data: bytes) -> None:
        """A part of the body."""
        self._body_bytes += len(data)
        if self._body_bytes > self._server.most_body:
            raise Refused(413, f"the body is larger than {self._server.most_body} bytes")
        self._body.append(data)

    def on_message_complete(self) -> None:
        """A request is whole. A second one in the same bytes waits for its turn."""
        parser = self._parser
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        modern = parser.get_http_version() == "1.1"
        keep = modern and (parser.should_keep_alive() or parser.should_upgrade())
        request = Request(parser.get_method(), self._target, self._headers, body, keep, modern)
        if self.busy:
            self._requests.append(request)
        else:
            self._serve(request)

    def _wait(self, seconds: float) -> None:
        """The client has so long for what comes next. While it is answered it has all the time."""
        if not self.busy:
            self.deadline = self._server.now() + seconds

    def _serve(self, request: Request) -> None:
        self.busy, self._keep, self._bodyless = True, request.keep, request.method == b"HEAD"
        self.deadline = math.inf
        self._server.handler.handle(request, self)

    def _break(self, refused: Refused) -> None:
        """What comes cannot be read; what came before is still answered."""
        self._broken = refused
        if not self.busy:
            self._next()

    def _next(self) -> None:
        """The next request that is there, or what came ahead of its turn."""
        if self.transport.is_closing() or self.busy or self.full:
            return
        if self._requests:
            self._serve(self._requests.popleft())
        elif self._broken:
            self.busy, self._keep, self._bodyless, self._lingers = True, False, False, True  # what follows cannot be told apart
            self.answer(self._broken.status, JSON, self._broken.body, self._broken.headers)
        elif self._ahead:
            data, self._ahead = self._ahead, b""
            self.data_received(data)

    # the handler's side

    @property
    def keep(self) -> bool:
        """Whether the connection stays open after this answer."""
        return self._keep and not self._server.closing

    def answer(self, status: int, content_type: bytes, body: bytes, more: bytes = b"") -> None:
        """A whole answer."""
        self.transport.write(head(status, content_type, sized(len(body)), more, keep=self.keep) + (b"" if self._bodyless else body))
        self.end()

    def end(self) -> None:
        """The answer is whole; the next request may come."""
        self.gone = self.drained = None
        if self._lingers:
            self.deadline = self._server.now() + LINGER_S
            self.transport.write_eof()
            return
        if not self.keep:
            self.deadline = self._server.now() + STALL_S
            self.transport.close()
            return
        self.busy = False
        if self.full:  # until it takes what it has, it is answered no more
            self.deadline = min(self.deadline, self._server.now() + STALL_S)
        else:
            self._wait(IDLE_S)
        if self._requests or self._broken or self._ahead:
            self._server.soon(self._next)  # not from here: a thousand requests sent at once would call each other

    def abort(self) -> None:
        """Break off: the client must see that its answer is not whole."""
        self.gone = self.drained = None
        self.transport.abort()


@dataclass(slots=True)
class Server:
    """All connections of one gateway."""

    handler: Handler
    now: Callable[[], float]
    most_body: int
    most_connections: int = 2048
    closing: bool = False
    connections: set[Connection] = field(default_factory=set)
    _empty: asyncio.Event | None = None

    def __call__(self) -> Connection:
        """A protocol for a new client; one client too many is hung up on."""
        return Connection(self)

    def soon(self, call: Callable[[], None]) -> None:
        """In the next turn of the loop."""
        asyncio.get_running_loop().call_soon(call)

    def lost(self, connection: Connection) -> None:
        """A client has left."""
        self.connections.discard(connection)
        if self._empty and not self.connections:
            self._empty.set()

    async def left(self) -> None:
        """Wait until all clients have left."""
        self._empty = asyncio.Event()
        if self.connections:
            await self._empty.wait()

    def sweep(self) -> None:
        """Close what is too slow or idle too long; every second or so."""
        now = self.now()
        for connection in list(self.connections):
            if now > connection.deadline:
                connection.transport.abort()

    def close(self) -> None:
        """Take no more requests: idle connections go now, the others after their answers."""
        self.closing = True
        for connection in list(self.connections):
            if not connection.busy:
                connection.transport.close()
