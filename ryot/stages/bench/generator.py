"""Starts Locust in its own process with what a scenario asks of it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from ryot.plugins import StageContext
from ryot.stages.bench.orders import VARIABLE, Orders
from ryot.stages.bench.stage import BenchConfig

_LOCUSTFILE = Path(__file__).with_name("locustfile.py")


def orders(config: BenchConfig, context: StageContext, **more: object) -> Orders:
    """What the generator is told; `more` are other fields of Orders. What an earlier try left is removed."""
    fields = config.model_dump(exclude={"scrape_every", "arrivals", "slo", "page", "find"})
    if config.arrivals:
        fields |= config.arrivals.model_dump() | {"users": 1}
    folder, endpoint = context.scratch.resolve(), context.services["serve"]
    for name in ("samples.jsonl", "summary.json"):
        (folder / name).unlink(missing_ok=True)
    fields |= {"samples": str(folder / "samples.jsonl"), "summary": str(folder / "summary.json")}
    return Orders(url=endpoint.url, model=endpoint.model, **(fields | more))


def locust(told: Orders, context: StageContext, how: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start Locust, `how` being with or without its page. It spawns all users at once; an error among the answers is ours to judge, not its
    exit code's."""
    path = context.scratch.resolve() / "orders.json"
    told.save(path)
    users = ("--users", str(told.users), "--spawn-rate", str(told.users), "--host", told.url)
    quiet = ("--exit-code-on-error", "0", "--only-summary", "--loglevel", "WARNING")
    argv = [context.python, "-m", "locust", "-f", str(_LOCUSTFILE), *how, *users, *quiet]
    return context.spawn(argv, env={VARIABLE: str(path)}, log=context.scratch / "locust.log")


def last_words(context: StageContext) -> str:
    """The end of what Locust logged."""
    return "\n".join((context.scratch / "locust.log").read_text(errors="replace").splitlines()[-15:])
