"""Who may ask, and what is written of each request: no prompt, no answer, no key."""

from __future__ import annotations

import hashlib
import hmac
import os
import select
import time
from typing import TYPE_CHECKING

import msgspec

from ryot.gateway.refused import Refused

if TYPE_CHECKING:
    from ryot.gateway.book import Ended
    from ryot.gateway.server import Request

_MOST_HELD, _FLUSHED, _PIPE = 1 << 20, 32 << 10, 4096
_LOCAL = (b"127.0.0.1", b"localhost", b"[::1]")


class Door:
    """With a key every route but /health asks for it. Without one only programs of this machine are answered, and no browser that was
    led here by another name (DNS rebinding)."""

    def __init__(self, key: str | None) -> None:
        self._digest = None if key is None else hashlib.sha256(key.encode()).digest()

    @property
    def keyed(self) -> bool:
        """Whether a key is asked for."""
        return self._digest is not None

    def check(self, request: Request, path: bytes) -> None:
        """Raises Refused. The key is compared in constant time."""
        if path == b"/health":
            return
        if self._digest is None:
            name = request.headers.get(b"host", b"").lower()
            if name and (name if name.endswith(b"]") else name.rpartition(b":")[0] or name) not in _LOCAL:
                raise Refused(421, "without a key this server answers to 127.0.0.1 and localhost only", "wrong_host")
            return
        scheme, _, given = request.headers.get(b"authorization", b"").partition(b" ")
        right = hmac.compare_digest(hashlib.sha256(given.strip()).digest(), self._digest)
        if scheme.lower() != b"bearer" or not right:
            raise Refused(401, "the key is missing or wrong: send `Authorization: Bearer KEY`", "invalid_api_key")


class Log:
    """JSON lines on standard output. Whoever reads them does not hold up the gateway: what is not taken is kept, up to a bound, and then
    dropped and counted."""

    def __init__(self, *, on: bool = True, file: int = 1) -> None:
        self.on, self.dropped = on, 0
        self._file, self._held = file, bytearray()

    def request(self, ended: Ended) -> None:
        """A request has ended."""
        if not self.on:
            return
        line = {
            "time": round(ended.time, 3),
            "id": ended.id.decode(),
            "method": ended.method.decode("latin1"),
            "route": ended.route,
            "status": ended.status,
            "ms": round(1000 * ended.seconds, 3),
            "queue_ms": round(1000 * (ended.queued_s or 0), 3),
            "bytes": ended.size,
            "replica": ended.replica,
            "tries": ended.tries,
            "cache": ended.cache,
        }
        self.event(line)

    def fault(self, identity: bytes, error: Exception) -> None:
        """A fault of the gateway's own."""
        self.event({"time": round(time.time(), 3), "id": identity.decode(), "fault": f"{type(error).__name__}: {error}"[:500]})

    def event(self, line: dict[str, object]) -> None:
        """One line."""
        data = msgspec.json.encode(line) + b"\n"
        if len(self._held) + len(data) > _MOST_HELD:
            self.dropped += 1
            return
        self._held += data
        if len(self._held) >= _FLUSHED:
            self.flush()

    def flush(self) -> None:
        """Write what the reader takes without waiting: a pipe that can be written takes so much at once (pipe(7))."""
        try:
            while self._held and select.select([], [self._file], [], 0)[1]:
                del self._held[: os.write(self._file, self._held[:_PIPE])]
        except OSError:  # nobody reads any more
            self._held.clear()
            self.on = False
