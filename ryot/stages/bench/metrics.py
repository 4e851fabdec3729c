"""What the server says of itself at /metrics (Prometheus text, vLLM's names): prompts finished, and prompts that wait."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

_LINE = re.compile(r"^vllm:(num_requests_waiting|request_success_total)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)
_DONE = ('finished_reason="length"', 'finished_reason="stop"')


@dataclass(frozen=True, slots=True)
class Reading:
    """Prompts answered since the server started, and prompts that wait now."""

    finished: int
    waiting: int


def parse(text: str) -> Reading | None:
    """A reading from Prometheus text; None when it holds neither number."""
    found = _LINE.findall(text)
    finished = [float(value) for name, labels, value in found if name == "request_success_total" and any(done in labels for done in _DONE)]
    waiting = [float(value) for name, _, value in found if name == "num_requests_waiting"]
    return Reading(int(sum(finished)), int(sum(waiting))) if finished and waiting else None


_PROBES = re.compile(r"^ryot_replica_probes(_ended)?\{[^}]*\} (\S+)$", re.MULTILINE)
_ANSWERED = re.compile(r"^ryot_replica_answered\{[^}]*\} (\S+)$", re.MULTILINE)
_QUEUE = re.compile(r"^ryot_requests_waiting (\S+)$", re.MULTILINE)
_LOOKS = 40
"""Looks at a gateway in which a probe was on its way, at most; a probe takes one token."""


@dataclass(frozen=True, slots=True)
class Probes:
    """A gateway's own questions to its engines, which engines count like any other: begun and ended; and the requests that wait there."""

    begun: int
    ended: int
    waiting: int


def parse_probes(text: str) -> Probes:
    """From Prometheus text; all zero where a server without a gateway wrote it."""
    begun, ended = (sum(float(value) for end, value in _PROBES.findall(text) if bool(end) is wanted) for wanted in (False, True))
    return Probes(int(begun), int(ended), int(sum(map(float, _QUEUE.findall(text)))))


def answered(text: str) -> list[int]:
    """Answers of each replica of a gateway, in the replicas' order, from its Prometheus text."""
    return [int(float(value)) for value in _ANSWERED.findall(text)]


class Metrics:
    """Kept connections to the /metrics of a server and of the engines behind it; the server is its own engine where there are none."""

    def __init__(self, url: str, engines: Sequence[str] = ()) -> None:
        self._front = _connection(url) if engines else None
        self._engines = [_connection(engine) for engine in engines or (url,)]

    def read(self) -> Reading | None:
        """A reading now, of all engines, without what the gateway asked itself; None when one gives none."""
        if self._front is None:
            return self._sum()
        for _ in range(_LOOKS):
            before, found, after = _get(self._front), self._sum(), _get(self._front)
            if before is None or found is None or after is None:
                return None
            first, last = parse_probes(before), parse_probes(after)
            if first.begun == last.begun == first.ended:
                return Reading(found.finished - first.begun, found.waiting + last.waiting)
            time.sleep(0.05)
        return None

    def _sum(self) -> Reading | None:
        readings = [parse(text) if (text := _get(engine)) is not None else None for engine in self._engines]
        found = [reading for reading in readings if reading is not None]
        if len(found) < len(readings):
            return None
        return Reading(sum(reading.finished for reading in found), sum(reading.waiting for reading in found))

    def close(self) -> None:
        """Drop the connections."""
        for connection in (self._front, *self._engines):
            if connection is not None:
                connection.close()


def _connection(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=10.0)


def _get(connection: http.client.HTTPConnection) -> str | None:
    for _ in range(2):  # the server may have closed an idle connection
        try:
            connection.request("GET", "/metrics")
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException):
            connection.close()
        else:
            return text if response.status == 200 else None
    return None
