"""Runs one scenario: Locust in its own process, the server's queue watched meanwhile, the generator audited, raw samples kept."""

from __future__ import annotations

import json
import math
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from ryot.plugins import Endpoint, NodeError, StageContext
from ryot.stages.bench import audit, generator, sampler, samples
from ryot.stages.bench.metrics import Metrics, Reading
from ryot.stages.bench.orders import Orders
from ryot.stages.bench.sampler import Sampler
from ryot.stages.bench.samples import Sample
from ryot.stages.bench.stage import BenchConfig, output_span

TRIES = 3
"""How often a load is made when something else on the machine kept the generator from its work."""

_LONG_PAUSE = 20
"""How many times its mean one exponential pause may last."""
_SLACK_S = 120.0
"""What Locust may take beyond the longest time that its requests can."""


@dataclass(frozen=True, slots=True)
class _Load:
    """What came back: samples, the generator's summary, depths of the queue, prompts that the server says it finished, and what was seen of
    its processes and the GPUs."""

    samples: list[Sample]
    summary: Mapping[str, Any]
    depths: list[int]
    served: int
    sampler: Sampler
    orders: Orders


class NotValid(NodeError):
    """The generator is not to be believed."""


class TooShort(NodeError):
    """The load was over before anything but its requests could be looked at."""


class NoneRight(NodeError):
    """Not one request succeeded."""


def run(config: BenchConfig, context: StageContext) -> None:
    """Load, audit, measure. Raises NodeError when the server is gone, nothing succeeded, or the generator is not to be believed."""
    load(config, context)


def load(config: BenchConfig, context: StageContext) -> list[Sample]:
    """As `run`; returns the counted samples. Raises NotValid, TooShort, NoneRight, and NodeError when the server is gone."""
    endpoint = context.services["serve"]
    made, tries = _undisturbed(config, endpoint, context)
    context.write("requests.jsonl", samples.as_lines(made.samples))
    context.write("errors.json", json.dumps(samples.errors(made.samples), indent=1) + "\n")
    context.write("generator.json", json.dumps({"tries": [asdict(found) for found in tries]}, indent=1) + "\n")
    if objections := audit.objections(tries[-1]):
        raise NotValid(f"the scenario is not valid: {'; '.join(objections)}", hint="free the machine of other work, or lower the load")
    if not any(sample.ok for sample in made.samples):
        raise NoneRight(f"not one of {len(made.samples)} requests succeeded: {samples.errors(made.samples)}")
    if not made.depths:
        hint = f"raise requests in {config.scenario}"
        raise TooShort("the load was over before the server's queue could be looked at", hint=hint)
    _measure(config, endpoint, made, context)
    return made.samples


def _undisturbed(config: BenchConfig, endpoint: Endpoint, context: StageContext) -> tuple[_Load, list[audit.Audit]]:
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


def _load(config: BenchConfig, endpoint: Endpoint, context: StageContext) -> _Load:
    """Let Locust make every request, looking at the server's queue the while."""
    orders = generator.orders(config, context)
    engines = endpoint.info.get("engines")
    metrics = Metrics(endpoint.url, [str(engine) for engine in engines] if isinstance(engines, list) else ())
    seen = Sampler(endpoint)
    try:
        before = _reading(metrics, "before the load")
        _tell(orders, context)
        process = generator.locust(orders, context, ("--headless",))
        depths = _watch(process, orders, config, (metrics, seen), context)
        kept = _read(orders, process, context)
        summary = json.loads(Path(orders.summary).read_text())
        least = (sum(sample.ok for sample in kept) + summary["warmed_ok"]) * config.batch
        served = _served(metrics, before, least)
    finally:
        metrics.close()
        seen.gpus.close()
    return _Load(kept, summary, depths, served, seen, orders)


def _tell(orders: Orders, context: StageContext) -> None:
    if orders.replay:
        who = f"a trace (on average {orders.mean_rate:g} requests/s)"
    elif orders.open:
        who = f"{orders.rate:g} requests/s ({orders.distribution})"
    else:
        who = f"{orders.users} users" + (f" that think for {orders.think:g} s ({orders.pauses})" if orders.think else "")
    lengths = [f"{least} to {most}" if most else f"{least}" for least, most in orders.spans]
    told = "lengths of the trace" if orders.trace else f"{lengths[0]} tokens each, for {lengths[1]} tokens each"
    context.say(
        f"{who} make {orders.warmup} + {orders.requests} requests of {orders.batch} prompts, {told}; "
        "every prompt is another, so no prefix is cached"
    )


def _watch(
    process: subprocess.Popen[bytes], orders: Orders, config: BenchConfig, looking: tuple[Metrics, Sampler], context: StageContext
) -> list[int]:
    """Wait for Locust's end, looking at the server's processes; returns the depths of its queue since the first counted request."""
    metrics, seen = looking
    depths: list[int] = []
    deadline = time.monotonic() + _longest_s(orders) + _SLACK_S
    progress = _Progress(Path(orders.samples))
    while process.poll() is None:
        time.sleep(config.scrape_every)
        loaded = progress.done < orders.requests
        progress.advance()
        if progress.done and (reading := metrics.read()) is not None:
            depths.append(reading.waiting)
        if progress.done and loaded:
            seen.look(at_once=progress.done == orders.requests)
        context.report(done=progress.done, total=orders.requests, unit="requests", p50_ms=progress.p50_ms, errors=progress.errors)
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise NodeError("Locust did not come to an end", hint=f"its output is in {context.scratch / 'locust.log'}")
    return depths


def _longest_s(orders: Orders) -> float:
    """How long the requests of a load can take, in seconds."""
    requests = orders.warmup + orders.requests
    if orders.open:  # arrivals at random can be later than on average: by five standard deviations
        return (requests + 5 * math.sqrt(requests)) / orders.mean_rate + 2 * orders.timeout
    each = requests / orders.users + 1
    return each * orders.timeout + (each + 5 * math.sqrt(each) + _LONG_PAUSE) * orders.think


class _Progress:
    """Follows the file of samples while it grows; reads only what is new and whole."""

    def __init__(self, path: Path) -> None:
        self._path, self._position = path, 0
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
        self.done += len(rows)
        self.errors += sum(bool(row[4]) for row in rows)
        self._latest = [*self._latest, *((row[2] - row[1]) / 1e6 for row in rows)][-100:]

    @property
    def p50_ms(self) -> float:
        """The median latency of the last hundred requests, in milliseconds, whether they failed or not."""
        return round(median(self._latest or [0.0]), 1)


def _read(orders: Orders, process: subprocess.Popen[bytes], context: StageContext) -> list[Sample]:
    if process.returncode != 0 or not Path(orders.summary).exists():
        end = generator.last_words(context)
        raise NodeError(f"Locust ended with exit code {process.returncode} before all requests were made\n{end}")
    try:
        with Path(orders.samples).open() as file:
            return samples.parse(file)
    except ValueError as error:
        raise NodeError(
            f"the generator's samples cannot be read: {error}", hint=f"its output is in {context.scratch / 'locust.log'}"
        ) from None


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


def _measure(config: BenchConfig, endpoint: Endpoint, load: _Load, context: StageContext) -> None:
    """Record the raw samples of every measure."""
    took = samples.latencies(load.samples, config.timeout)
    failed, total = sum(not sample.ok for sample in load.samples), len(load.samples)
    tokens = samples.rates(load.samples, [float(sample.tokens) for sample in load.samples])
    for name in ("latency_p50", "latency_p95", "latency_p99"):
        context.measure(name, samples=took)
    context.measure("errors", failed, of=total)
    context.measure("success_rate", hits=total - failed, of=total)
    context.measure("tokens_per_s", samples=tokens)
    context.measure("requests_per_s", samples=samples.rates(load.samples, [float(sample.ok) for sample in load.samples]))
    context.measure("queue_depth_p95", samples=load.depths)
    _measure_tokens(config, load, context)
    _measure_objective(config, load.samples, context)
    context.measure("memory", _memory(endpoint))
    sampler.measure(load.sampler, context)
    context.measure("degradation", pairs=samples.halves(tokens))
    context.say(f"p50 {median(took) * 1e3:.2f} ms, {sum(tokens) / len(tokens):.1f} tokens/s, {failed} of {total} failed")


def _measure_tokens(config: BenchConfig, load: _Load, context: StageContext) -> None:
    """The times of a stream's tokens; of further ones over the requests that asked for any."""
    kept, found = load.samples, {}
    if config.stream:
        found["ttft"] = samples.first_tokens(kept, config.timeout)
    if config.stream and output_span(config).most > 1:
        longer = [sample for sample in kept if load.orders.lengths(load.orders.warmup + sample.number)[1] > 1]
        found |= {"tpot": samples.further_tokens(longer, config.timeout), "itl": samples.gaps(longer, config.timeout, config.seed)}
    for name, values in found.items():
        for percent in (50, 95, 99):
            if values:
                context.measure(f"{name}_p{percent}", samples=values)
            else:
                context.lack(f"{name}_p{percent}", "no request asked for more than one token")


def _measure_objective(config: BenchConfig, kept: list[Sample], context: StageContext) -> None:
    """How many requests kept the service level objective, and how many of those there were in a second."""
    if config.slo is None:
        return
    kept_it = samples.attained(
        kept, *(math.inf if bound is None else bound for bound in (config.slo.latency, config.slo.ttft, config.slo.tpot))
    )
    context.measure("goodput", samples=samples.rates(kept, [float(one) for one in kept_it]))
    context.measure("slo_attainment", hits=sum(kept_it), of=len(kept_it))


def _memory(endpoint: Endpoint) -> float:
    memory = endpoint.info.get("memory")
    if not isinstance(memory, dict):
        raise NodeError("the server does not say how much memory it reserved")
    return float(sum(memory.values()))
