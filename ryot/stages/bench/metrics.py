"""What the server says of itself at /metrics (Prometheus text, vLLM's names): prompts finished, and prompts that wait."""

from __future__ import annotations

import http.client
import re
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


class Metrics:
    """A kept connection to a server's /metrics."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10.0)

    def read(self) -> Reading | None:
        """A reading now; None when the server gives none."""
        for _ in range(2):  # the server may have closed an idle connection
            try:
                self._connection.request("GET", "/metrics")
                response = self._connection.getresponse()
                return parse(response.read().decode()) if response.status == 200 else None
            except (OSError, http.client.HTTPException):
                self._connection.close()
        return None

    def close(self) -> None:
        """Drop the connection."""
        self._connection.close()
