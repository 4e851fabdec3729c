"""Runs one scenario: Locust in its own process, the server's queue watched meanwhile, the generator audited, raw samples kept."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict
from pathlib import Path

from ryot.plugins import Endpoint, NodeError, StageContext
from ryot.stages.bench import audit, columns, crew, generator, hgrm, samples
from ryot.stages.bench.crew import Crew
from ryot.stages.bench.metrics import Metrics, Reading
from ryot.stages.bench.orders import Orders
from ryot.stages.bench.progress import Progress
from ryot.stages.bench.results import Load, measure
from ryot.stages.bench.sampler import Sampler
from ryot.stages.bench.samples import Sample
from ryot.stages.bench.stage import BenchConfig

TRIES = 3
"""How often a load is made when something else on the machine kept the generator from its work."""

_LONG_PAUSE = 20
"""How many times its mean one exponential pause may last."""
_SLACK_S = 120.0
"""What Locust may take beyond the longest time that its requests can."""


class NotValid(NodeError):
    """The generator is not to be believed."""


class NoneRight(NodeError):
    """Not one request succeeded."""


def run(config: BenchConfig, context: StageContext) -> None:
    """Load, audit, measure. Raises NodeError when the server is gone, nothing succeeded, or the generator is not to be believed."""
    load(config, context)


def load(config: BenchConfig, context: StageContext) -> list[Sample]:
    """As `run`; returns the counted samples. Raises NotValid, NoneRight, and NodeError when the server is gone."""
    endpoint = context.services["serve"]
    made, tries = _undisturbed(config, endpoint, context)
    context.write(columns.FILE, columns.of_load(config, made.orders, made.samples))
    context.write(hgrm.FILE, hgrm.printed(samples.latencies(made.samples, config.timeout)))
    context.write("errors.json", json.dumps(samples.errors(made.samples), indent=1) + "\n")
    context.write("generator.json", json.dumps({"tries": [asdict(found) for found in tries]}, indent=1) + "\n")
    if objections := audit.objections(tries[-1]):
        raise NotValid(f"the scenario is not valid: {'; '.join(objections)}", hint="free the machine of other work, or lower the load")
    if not any(sample.ok for sample in made.samples):
        raise NoneRight(f"not one of {len(made.samples)} requests succeeded: {samples.errors(made.samples)}")
    measure(config, endpoint, made, context)
    return made.samples


def _undisturbed(config: BenchConfig, endpoint: Endpoint, context: StageContext) -> tuple[Load, list[audit.Audit]]:
    """The first load in which the generator had the machine's time, or the last of TRIES. Answers and latencies play no part in that.

    Returns the load and the audits of every try, all of which are kept.
    """
    tries: list[audit.Audit] = []
    while True:
        load = _load(config, endpoint, context)
        tries.append(audit.audit(config, load.samples, load.summary, load.served))
        disturbances = audit.disturbances(tries[-1])
        if not disturbances or len(tries) == TRIES:
            return load, tries
        context.warn(f"try {len(tries)} of {TRIES} is not valid, the next begins: {'; '.join(disturbances)}")


def _load(config: BenchConfig, endpoint: Endpoint, context: StageContext) -> Load:
    """Let Locust make every request, looking at the server's queue the while."""
    orders = generator.orders(config, context)
    engines = endpoint.info.get("engines")
    metrics = Metrics(endpoint.url, [str(engine) for engine in engines] if isinstance(engines, list) else ())
    seen = Sampler(endpoint)
    try:
        before = _reading(metrics, "before the load")
        _tell(orders, context)
        made = crew.start(orders, context)
        try:
            depths = _watch(made, orders, config, (metrics, seen), context)
            kept, summary = made.read()
        finally:
            made.end()
        least = (sum(sample.ok for sample in kept) + summary["warmed_ok"]) * config.batch
        served = _served(metrics, before, least)
    finally:
        metrics.close()
        seen.gpus.close()
    return Load(kept, summary, depths, served, seen, orders)


def _tell(orders: Orders, context: StageContext) -> None:
    if orders.replay:
        who = f"a trace (on average {orders.mean_rate:g} requests/s)"
    elif orders.steps:
        who = f"steps of {', '.join(f'{rate:g} requests/s for {lasts:g} s' for rate, lasts, _ in orders.steps)} ({orders.distribution})"
    elif orders.open:
        who = f"{orders.rate:g} requests/s ({orders.distribution})"
    else:
        who = f"{orders.users} users" + (f" that think for {orders.think:g} s ({orders.pauses})" if orders.think else "")
    many = f"for {orders.duration:g} s at least {orders.requests}" if orders.duration and not orders.open else f"{orders.requests}"
    lengths = [f"{least} to {most}" if most else f"{least}" for least, most in orders.spans]
    told = "lengths of the trace" if orders.trace else f"{lengths[0]} tokens each, for {lengths[1]} tokens each"
    who += f", from {orders.workers} processes," if orders.workers > 1 else ""
    context.say(
        f"{who} make {orders.warmup} + {many} requests of {orders.batch} prompts, {told}; every prompt is another, so no prefix is cached"
    )


def _watch(made: Crew, orders: Orders, config: BenchConfig, looking: tuple[Metrics, Sampler], context: StageContext) -> list[int]:
    """Wait for Locust's end, looking at the server's processes; returns the depths of its queue since the first counted request."""
    metrics, seen = looking
    depths: list[int] = []
    deadline = time.monotonic() + _longest_s(orders) + _SLACK_S
    progress = Progress([Path(part.samples) for part in made.told], orders)
    while made.working():
        time.sleep(config.scrape_every)
        loaded = not progress.over
        progress.advance()
        if progress.done and not progress.over and (reading := metrics.read()) is not None:
            depths.append(reading.waiting)  # of an empty queue after the load there would be as many looks as one likes
        if progress.done and loaded:
            seen.look(at_once=progress.over)
        context.report(**progress.told, p50_ms=progress.p50_ms, errors=progress.errors)
        if time.monotonic() > deadline:
            raise NodeError("Locust did not come to an end", hint=f"its output is in {context.scratch / 'locust.log'}")
    return depths


def _longest_s(orders: Orders) -> float:
    """How long the requests of a load can take, in seconds."""
    requests = orders.warmup + orders.requests
    if orders.open:  # arrivals at random can be later than on average: by five standard deviations
        return (requests + 5 * math.sqrt(requests)) / orders.mean_rate + 2 * orders.timeout
    each = requests / orders.users + 1
    return orders.duration + each * orders.timeout + (each + 5 * math.sqrt(each) + _LONG_PAUSE) * orders.think


def _reading(metrics: Metrics, when: str) -> Reading:
    reading = metrics.read()
    if reading is None:
        raise NodeError(f"the server does not answer at /metrics {when}; it is gone, or is none whose count can be compared")
    return reading


def _served(metrics: Metrics, before: Reading, least: int) -> int:
    """Prompts that the server finished since `before`. It may count a little after it answered: wait 5 s for `least`."""
    for _ in range(50):
        served = _reading(metrics, "after the load").finished - before.finished
        if served >= least:
            break
        time.sleep(0.1)
    return served
