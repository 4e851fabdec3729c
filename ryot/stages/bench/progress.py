"""How far a load is, from the files of samples that grow."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from ryot.stages.bench.orders import Orders


class Progress:
    """Follows the files of samples while they grow; reads only what is new and whole."""

    def __init__(self, paths: Sequence[Path], orders: Orders) -> None:
        self._positions, self._orders = dict.fromkeys(paths, 0), orders
        self._began_s = 0.0
        self._latest: list[float] = []
        self.done = self.errors = 0

    def advance(self) -> None:
        """Take in what was written since."""
        for path in self._positions:
            self._read(path)

    def _read(self, path: Path) -> None:
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._positions[path])
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._positions[path] += len(whole)
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
