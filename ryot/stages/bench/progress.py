"""How far a load is, from the file of samples that grows."""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import median
from typing import Any

from ryot.stages.bench.orders import Orders


class Progress:
    """Follows the file of samples while it grows; reads only what is new and whole."""

    def __init__(self, path: Path, orders: Orders) -> None:
        self._path, self._position, self._orders = path, 0, orders
        self._began_s = 0.0
        self._latest: list[float] = []
        self.done = self.errors = 0

    def advance(self) -> None:
        """Take in what was written since."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._position)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._position += len(whole)
        rows = [json.loads(line) for line in whole.splitlines()]
        if rows and not self.done:
            self._began_s = time.monotonic()
        self.done += len(rows)
        self.errors += sum(bool(row[4]) for row in rows)
        self._latest = [*self._latest, *((row[2] - row[1]) / 1e6 for row in rows)][-100:]

    @property
    def lasted_s(self) -> float:
        """Seconds since the first answer that counts."""
        return time.monotonic() - self._began_s if self.done else 0.0

    @property
    def over(self) -> bool:
        """Whether no further request is to be made; as far as that can be seen from here."""
        timed = not self._orders.open and self.lasted_s < self._orders.duration
        return not timed and self.done >= max(self._orders.requests, 1)

    @property
    def told(self) -> dict[str, Any]:
        """How far it is, in requests, or in seconds where nobody knows how many requests there will be."""
        orders = self._orders
        if orders.duration and not orders.open:
            return {"done": round(min(self.lasted_s, orders.duration), 1), "total": orders.duration, "unit": "s"}
        return {"done": self.done, "total": orders.requests, "unit": "requests"}

    @property
    def p50_ms(self) -> float:
        """The median latency of the last hundred requests, in milliseconds, whether they failed or not."""
        return round(median(self._latest or [0.0]), 1)
