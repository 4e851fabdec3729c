"""`stay`: what keeps a server up for `ryot serve`, telling its load once a second. Its node is made by that verb, never by a spec."""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from ryot.plugins import Endpoint, NodeError, Stage, StageConfig, StageContext
from ryot.stages.serve.front import KEY
from ryot.stages.serve.probe import exchange, samples

EVERY_S = 1.0
NOTICED_S = 5.0


class StayConfig(StageConfig):
    """Nothing to set."""


class StayStage(Stage):
    """Keeps the server up and tells its load, until it ends or is ended."""

    name = "stay"
    version = 1
    Config = StayConfig

    def run(self, config: StayConfig, context: StageContext) -> None:
        """Look once a second, until this is ended. Raises NodeError when the gateway is gone and nobody has noticed."""
        endpoint = context.services["serve"]
        engines = endpoint.info.get("engines")
        count = len(engines) if isinstance(engines, list) else 1
        before = look(endpoint)
        while before is not None:
            time.sleep(EVERY_S)
            now = look(endpoint)
            if now is None:
                break
            context.report(done=now.living, total=count, unit="up", force=True, **load(before, now))
            before = now
        time.sleep(NOTICED_S)  # the service's own end, which says why, ends this first
        raise NodeError(f"the gateway at {endpoint.url} does not answer any more")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the gateway says of itself: answers and their seconds since the start, and what is so now."""

    at_s: float
    requests: float
    seconds: float
    tokens: float
    events: float
    living: int
    running: int
    waiting: int


def look(endpoint: Endpoint) -> Seen | None:
    """The gateway's metrics now; None when it is gone."""
    try:
        _, text = exchange(endpoint.url, "GET", "/metrics", 10.0, headers={"Authorization": f"Bearer {os.environ.get(KEY, '')}"})
    except (OSError, http.client.HTTPException):
        return None
    return seen(text.decode(), time.monotonic())


def seen(text: str, at_s: float) -> Seen:
    """From Prometheus text; numbers with labels are added up."""
    total: dict[str, float] = {}
    for sample, value in samples(text).items():
        name = sample.partition("{")[0]
        total[name] = total.get(name, 0.0) + value

    def of(name: str) -> float:
        return total.get(f"ryot_{name}", 0.0)

    since = of("request_seconds_count"), of("request_seconds_sum"), of("generated_tokens_total"), of("stream_events_total")
    return Seen(at_s, *since, int(of("replica_up")), int(of("sequences_running")), int(of("requests_waiting")))


def load(before: Seen, now: Seen) -> Mapping[str, float]:
    """Requests a second, tokens of whole answers and events of streams, the mean latency in milliseconds, and what runs and waits."""
    passed = max(now.at_s - before.at_s, 1e-9)
    answered = now.requests - before.requests - 1  # this look itself
    rates = {"requests_per_s": max(answered, 0) / passed, "tokens_per_s": (now.tokens - before.tokens) / passed}
    rates |= {"events_per_s": (now.events - before.events) / passed} if now.events > before.events else {}
    mean = {"mean_ms": 1000 * (now.seconds - before.seconds) / answered} if answered > 0 else {}
    return {**rates, **mean, "running": now.running, "waiting": now.waiting}
