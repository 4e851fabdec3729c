"""The processes that make a load: Locust alone, or its master and workers that share the requests out. One that is lost ends the load."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ryot.plugins import NodeError, StageContext
from ryot.stages.bench import generator, samples
from ryot.stages.bench.orders import Orders
from ryot.stages.bench.samples import Sample

_LOOPBACK = "127.0.0.1"
_START_S = 60.0


@dataclass(frozen=True, slots=True)
class Crew:
    """`head` ends when all is over; `workers` make the requests, if it is not the head that does. `told`: the orders of each that asks."""

    head: subprocess.Popen[bytes]
    workers: Sequence[subprocess.Popen[bytes]]
    told: Sequence[Orders]
    context: StageContext

    def working(self) -> bool:
        """Whether the load is still made. Raises NodeError where a worker ended before its part was done, or by a failure."""
        if self.head.poll() is not None:
            return False
        for number, (worker, orders) in enumerate(zip(self.workers, self.told, strict=False), 1):
            if worker.poll() is not None and (worker.returncode or not Path(orders.summary).exists()):
                raise self._lost(f"process {number} of the {len(self.workers)} that make the load ended", worker.returncode)
        return True

    def _lost(self, what: str, code: int) -> NodeError:
        return NodeError(f"{what} with exit code {code} before all requests were made\n{generator.last_words(self.context)}")

    def end(self) -> None:
        """See all of them gone, by force where they stay."""
        for process in (self.head, *self.workers):
            if process.poll() is None:
                process.kill()
            process.wait()

    def read(self) -> tuple[list[Sample], dict[str, Any]]:
        """All samples, and what the generator says of itself: sums, and in `processes` what each says. Raises NodeError."""
        if self.head.returncode != 0 or not all(Path(orders.summary).exists() for orders in self.told):
            raise self._lost("Locust ended", self.head.returncode)
        lines = [line for orders in self.told for line in Path(orders.samples).read_text().splitlines()]
        try:
            found = samples.parse(lines)
        except ValueError as error:
            hint = f"its output is in {self.context.scratch / 'locust.log'}"
            raise NodeError(f"the generator's samples cannot be read: {error}", hint=hint) from None
        return found, self._summary()

    def _summary(self) -> dict[str, Any]:
        each = [json.loads(Path(orders.summary).read_text()) for orders in self.told]
        sums = {name: sum(one[name] for one in each) for name in ("ordered", "warmed", "warmed_ok", "waited", "locust_requests")}
        if self.workers:
            sums["locust_requests"] = json.loads(_master(self.told[0]).read_text())["locust_requests"]
        wall_s = min(one["wall_s"] for one in each)
        return sums | {"wall_s": wall_s, "processes": [{name: one[name] for name in ("wall_s", "cpu_s", "lags_s")} for one in each]}


def start(orders: Orders, context: StageContext) -> Crew:
    """Start all processes of a load. Raises NodeError where Locust's master does not come up."""
    if orders.workers == 1:
        return Crew(generator.locust(orders, context, ("--headless",)), (), (orders,), context)
    told = [_part(orders, number) for number in range(orders.workers)]
    port = Path(orders.port)
    for file in (port, _master(orders), *(Path(path) for part in told for path in (part.samples, part.summary))):
        file.unlink(missing_ok=True)
    bound = ("--master", "--master-bind-host", _LOOPBACK, "--master-bind-port", "0", "--expect-workers", str(orders.workers))
    head = generator.locust(replace(orders, summary=str(_master(orders))), context, ("--headless", *bound))
    deadline = time.monotonic() + _START_S
    while not (port.exists() and port.read_text().endswith("\n")):
        if head.poll() is not None or time.monotonic() > deadline:
            head.kill()
            head.wait()
            raise NodeError(f"Locust's master did not come up\n{generator.last_words(context)}")
        time.sleep(0.02)
    at = ("--worker", "--master-host", _LOOPBACK, "--master-port", port.read_text().strip())
    return Crew(head, [generator.locust(part, context, at, f"orders-{part.worker}.json") for part in told], told, context)


def _part(orders: Orders, number: int) -> Orders:
    """The orders of one worker: the same load, of which it makes its share of the requests, with files of its own."""
    samples_at, summary = (Path(path) for path in (orders.samples, orders.summary))
    return replace(
        orders,
        worker=number,
        samples=str(samples_at.with_stem(f"{samples_at.stem}-{number}")),
        summary=str(summary.with_stem(f"{summary.stem}-{number}")),
    )


def _master(orders: Orders) -> Path:
    return Path(orders.port).with_name("master.json")
