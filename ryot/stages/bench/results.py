"""What a load's raw samples amount to: every measure of a scenario, recorded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from ryot.plugins import Endpoint, NodeError, StageContext
from ryot.stages.bench import drift, sampler, samples
from ryot.stages.bench.orders import Orders
from ryot.stages.bench.sampler import Sampler
from ryot.stages.bench.samples import Sample
from ryot.stages.bench.stage import BenchConfig, Objective, output_span

QUEUE = "queue_depth_p95"


@dataclass(frozen=True, slots=True)
class Load:
    """What came back: samples, the generator's summary, depths of the queue, prompts that the server says it finished, and what was seen of
    its processes and the GPUs."""

    samples: list[Sample]
    summary: Mapping[str, Any]
    depths: list[int]
    served: int
    sampler: Sampler
    orders: Orders


def measure(config: BenchConfig, endpoint: Endpoint, load: Load, context: StageContext) -> None:
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
    if load.depths:
        context.measure(QUEUE, samples=load.depths)
    else:
        context.lack(QUEUE, "the load was over before the server's queue could be looked at: raise its requests")
    _measure_tokens(config, load, context)
    _measure_objective(config, load.samples, context)
    _measure_steps(config, load.samples, context)
    context.measure("memory", _memory(endpoint))
    sampler.measure(load.sampler, context)
    if "degradation" in context.declared:
        context.measure("degradation", pairs=samples.halves(tokens))
    if config.duration:
        _measure_drifts(load, took, context)
    context.say(f"p50 {median(took) * 1e3:.2f} ms, {sum(tokens) / len(tokens):.1f} tokens/s, {failed} of {total} failed")


def _measure_tokens(config: BenchConfig, load: Load, context: StageContext) -> None:
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
    kept_it = _attained(config.slo, kept)
    context.measure("goodput", samples=samples.rates(kept, [float(one) for one in kept_it]))
    context.measure("slo_attainment", hits=sum(kept_it), of=len(kept_it))


def _attained(slo: Objective, kept: list[Sample]) -> list[bool]:
    return samples.attained(kept, *(math.inf if bound is None else bound for bound in (slo.latency, slo.ttft, slo.tpot)))


def _measure_steps(config: BenchConfig, kept: list[Sample], context: StageContext) -> None:
    """The same for each step of a ramp, over the requests that were to start in it."""
    for number, inside in enumerate(samples.by_step(config.arrivals, kept) if config.arrivals else (), 1):
        name = f"step{number}"
        for percent in (50, 95, 99):
            context.measure(f"{name}_latency_p{percent}", samples=samples.latencies(inside, config.timeout))
        context.measure(f"{name}_errors", sum(not sample.ok for sample in inside), of=len(inside))
        if config.slo is not None:
            context.measure(f"{name}_slo_attainment", hits=sum(_attained(config.slo, inside)), of=len(inside))


def _measure_drifts(load: Load, took: list[float], context: StageContext) -> None:
    """What grows as the load goes on."""
    if found := drift.slopes([sample.intended_s for sample in load.samples], took, median):
        context.measure("latency_drift", samples=found)
    else:
        context.lack("latency_drift", "too few requests to see a drift in")
    looks = load.sampler.looks
    found = drift.slopes([look.at_s for look in looks], [float(look.memory) for look in looks], fmean)
    if found and not load.sampler.lacking:
        context.measure("memory_drift", samples=found)
    else:
        context.lack("memory_drift", load.sampler.lacking or "the load was over before the server's memory could be looked at often enough")


def _memory(endpoint: Endpoint) -> float:
    memory = endpoint.info.get("memory")
    if not isinstance(memory, dict):
        raise NodeError("the server does not say how much memory it reserved")
    return float(sum(memory.values()))
