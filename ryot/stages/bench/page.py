"""Locust's own page on a scenario: whoever opens it starts and stops the load. Nothing is measured, and it ends when it is ended."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ryot.plugins import NodeError, StageContext
from ryot.stages.bench import generator
from ryot.stages.bench.stage import BenchConfig

HOST = "127.0.0.1"
_START_S = 60.0


def show(config: BenchConfig, context: StageContext) -> None:
    """Serve the page and tell its address, until this is ended. Raises NodeError when Locust ends by itself."""
    told = context.scratch.resolve() / "port"
    told.unlink(missing_ok=True)
    orders = generator.orders(config.model_copy(update={"generators": 1}), context, warmup=0, samples=os.devnull, page=str(told))
    process = generator.locust(orders, context, ("--web-host", HOST, "--web-port", "0"))
    deadline = time.monotonic() + _START_S
    while process.poll() is None and not _port(told) and time.monotonic() < deadline:
        time.sleep(0.05)
    if port := _port(told):
        context.report(done=0, total=0, unit="requests", force=True, page=f"http://{HOST}:{port}")
        process.wait()
    raise NodeError(f"Locust's page is gone\n{generator.last_words(context)}", hint="look at the log above")


def _port(told: Path) -> int:
    text = told.read_text() if told.exists() else ""
    return int(text) if text.endswith("\n") else 0
