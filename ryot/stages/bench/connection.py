"""One kept HTTP/1.1 connection whose answers come with the time of each part. Standard library only, for Locust's process.

http.client spends more on an answer's head than a load of a thousand requests a second has to give, and does not tell when a chunk came.
"""

from __future__ import annotations

import functools
import http.client
import socket
import struct
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_HEAD = "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nCache-Control: no-cache\r\nContent-Length: "
"""An answer that the gateway has kept would be no measurement."""
_PART = 1 << 16
_END = b"0\r\n\r\n"
_STAMPS = 35
"""SO_TIMESTAMPNS of Linux: the kernel tells when it received what is read."""
_STAMP = struct.Struct("@qq")
_NOTES, _MOMENT_NS = socket.CMSG_SPACE(_STAMP.size), 5_000
_SET_NS = 1_000_000
"""Two looks at both clocks differ by less, unless the clock of the day was set in between or this process had to wait for its core."""


class Clocks(NamedTuple):
    """time.perf_counter_ns() and time.time_ns() of one moment."""

    now_ns: int
    today_ns: int


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: status, and the body in the parts in which it was sent, each with the time (ns) at which it was whole here."""

    status: int
    parts: Sequence[tuple[int, bytes]]

    @property
    def body(self) -> bytes:
        """All parts together."""
        return b"".join(data for _, data in self.parts)


class Connection:
    """A connection to the host of `url`, for one request after another; opened when it is needed."""

    def __init__(self, url: str, path: str = "/v1/completions") -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 80)
        self._head = _HEAD.format(path=path, host=parts.netloc).encode()
        self._socket: socket.socket | None = None

    def ask(self, data: bytes) -> Reply:
        """Send a body and take in all that comes back. Raises OSError, or HTTPException where it is no whole answer."""
        if self._socket is None:
            self._socket = _connected(*self._address)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, _STAMPS, 1)
        sent = clocks()
        self._socket.sendall(b"%b%d\r\n\r\n%b" % (self._head, len(data), data))
        reply = Reply()
        while not reply.whole:
            data, notes, _, _ = self._socket.recvmsg(_PART, _NOTES)
            reply.take(data, arrived_ns(notes, sent))
        return reply

    def close(self) -> None:
        """Drop the connection; the next request makes another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Reply:
    """What came back so far, and when. Only what tells the end is looked at while it comes; `answer` reads the rest afterwards."""

    def __init__(self) -> None:
        self.whole = False
        self._data = bytearray()
        self._ends: list[int] = []
        self._times: list[int] = []
        self._begin = 0
        self._status = 0
        self._length: int | None = None
        self._chunked = self._closes = False

    def take(self, data: bytes, now_ns: int) -> None:
        """Add what was received, b"" at the other's end. Raises HTTPException where that comes too early, or no HTTP comes."""
        self._data += data
        self._ends.append(len(self._data))
        self._times.append(now_ns)
        if not self._begin:
            self._read_head()
        if self._begin:
            self.whole = self._ended(closed=not data)
        if not data and not self.whole:
            raise http.client.IncompleteRead(bytes(self._data)) if self._data else http.client.RemoteDisconnected("no answer")

    @property
    def end_ns(self) -> int:
        """When the last of it came."""
        return self._times[-1]

    @property
    def lasts(self) -> bool:
        """Whether the server keeps the connection for another request."""
        return not self._closes

    def answer(self) -> Answer:
        """The whole of it, read. Raises HTTPException where its chunks are none."""
        if not self._chunked:
            return Answer(self._status, [(self.end_ns, bytes(self._data[self._begin :]))])
        pieces = _chunks(self._data, self._begin)
        if pieces is None:
            raise http.client.IncompleteRead(bytes(self._data))
        return Answer(self._status, [(self._times[bisect_left(self._ends, end)], bytes(self._data[start:end])) for start, end in pieces])

    def _read_head(self) -> None:
        head, blank, _ = self._data.partition(b"\r\n\r\n")
        if not blank:
            return
        first, *lines = bytes(head).split(b"\r\n")
        words = first.split(None, 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise http.client.BadStatusLine(repr(first[:100]))
        headers = {name.strip().lower(): value.strip().lower() for name, _, value in (line.partition(b":") for line in lines)}
        self._begin, self._status = len(head) + 4, int(words[1])
        self._chunked = headers.get(b"transfer-encoding") == b"chunked"
        length = headers.get(b"content-length", b"")
        self._length = int(length) if length.isdigit() else None
        self._closes = headers.get(b"connection") == b"close" or (self._length is None and not self._chunked)

    def _ended(self, *, closed: bool) -> bool:
        if self._chunked:
            return self._data.endswith(_END) and _chunks(self._data, self._begin) is not None
        return closed if self._length is None else len(self._data) >= self._begin + self._length


def _connected(host: str, port: int) -> socket.socket:
    """A socket to the first address of a host that takes it. Raises OSError."""
    problem = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in _addresses(host, port):
        opened = socket.socket(family, kind, protocol)
        try:
            opened.connect(address)
        except OSError as refused:
            opened.close()
            problem = refused
        else:
            return opened
    raise problem


@functools.cache
def _addresses(host: str, port: int) -> list[tuple[int, int, int, str, Any]]:
    """Looked up once: gevent sends each look-up through other threads, which takes milliseconds, and the clock runs."""
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def arrived_ns(notes: Sequence[tuple[int, int, bytes]], sent: Clocks) -> int:
    """When the kernel received what was read, in time.perf_counter_ns(); now, where it does not tell. A process that has to wait for its
    core reads late, and that is not the server's time. The stamp is on the clock of the day, of which only the age is taken; it counts for
    nothing where that clock was set since the request was `sent`, or where an answer would have come before it."""
    for level, kind, data in notes:
        if (level, kind) == (socket.SOL_SOCKET, _STAMPS):
            seconds, nanoseconds = _STAMP.unpack(data)
            now_ns, today_ns = clocks()
            arrived = now_ns - (today_ns - (seconds * 1_000_000_000 + nanoseconds))
            was_set = abs((today_ns - sent.today_ns) - (now_ns - sent.now_ns)) > _SET_NS
            return arrived if sent.now_ns <= arrived <= now_ns and not was_set else now_ns
    return time.perf_counter_ns()


def clocks() -> Clocks:
    """Both clocks now: read again where something came in between, three times at most."""
    for _ in range(3):
        before, today_ns, after = time.perf_counter_ns(), time.time_ns(), time.perf_counter_ns()
        if after - before < _MOMENT_NS:
            break
    return Clocks(before, today_ns)


def _chunks(data: bytearray, position: int) -> list[tuple[int, int]] | None:
    """Where the chunks' contents begin and end (RFC 9112, 7.1); None while the last one, of length 0, is not there."""
    found: list[tuple[int, int]] = []
    while (line := data.find(b"\r\n", position)) >= 0:
        try:
            size = int(data[position:line].split(b";", 1)[0], 16)
        except ValueError:
            raise http.client.HTTPException("a chunk without a length") from None
        if size == 0:
            return found
        found.append((line + 2, line + 2 + size))
        position = line + 2 + size + 2
        if position > len(data):
            break
    return None
