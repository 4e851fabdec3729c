"""Whether a load test may be believed: the generator must not have been the bottleneck, and every count must agree. Pure.

A scenario that fails here has no numbers at all: it is an ERROR, not a FAIL.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ryot.stages.bench.samples import Sample, by_step
from ryot.stages.bench.stage import Arrivals, BenchConfig

MOST_CPU = 0.9
MOST_LAG_SHARE, LEAST_LAG_S = 0.25, 0.005
MOST_RATE_OFF, LEAST_SPAN_OFF_S = 0.01, 0.005
"""How far the rate of an open loop may be off; a span of a few milliseconds more is no sign in a short load."""
MOST_DELAY_SHARE = {50: 0.05, 99: 0.25}
"""How much of a latency percentile the same percentile of the schedule delay may be. The delay is in the latency: so much is the
generator's own."""
LEAST_DELAY_S = {50: 0.0005, 99: 0.005}


@dataclass(frozen=True, slots=True)
class Schedule:
    """How an open loop kept to its times: seconds from first to last start as intended and as sent, the schedule delay (sent - intended),
    latencies of what succeeded, and how many requests had to wait for one of `max_in_flight` connections."""

    offered_s: float
    sent_s: float
    delay_p50_s: float
    delay_p99_s: float
    latency_p50_s: float
    latency_p99_s: float
    waited: int


@dataclass(frozen=True, slots=True)
class Process:
    """One of several that made the load: its CPU as a share of a core, its wake-up delay, its requests and its part of the schedule."""

    cpu_share: float
    lag_p50_s: float
    requests: int
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """The generator on itself: CPU as a share of one core, the delay with which it woke up, and who counted how many. Of several
    `processes` the share and the delay are the largest of each.

    Prompts, those of the warm-up included: `sent`, `answered` rightly, `served` as the server counts them. `backwards`: requests whose
    times do not follow one another; `twice`: requests that have the number of another. `steps`: requests and schedule of each step of a
    ramp. `short_s`: how much sooner than it should a load for a time was over.
    """

    cpu_share: float
    lag_p50_s: float
    latency_p50_s: float
    requests: int
    kept: int
    locust: int
    sent: int
    answered: int
    served: int
    schedule: Schedule | None = None
    steps: tuple[tuple[int, Schedule], ...] = ()
    backwards: int = 0
    short_s: float = 0.0
    processes: tuple[Process, ...] = ()
    twice: int = 0


def audit(config: BenchConfig, samples: Sequence[Sample], summary: Mapping[str, Any], served: int) -> Audit:
    """Gather what the verdict on the generator rests on, from the counted samples and the generator's own summary."""
    took = [sample.latency_s for sample in samples if sample.ok]
    timed = config.duration and not config.arrivals
    processes = _processes(config, samples, summary["processes"])
    return Audit(
        cpu_share=max(process.cpu_share for process in processes),
        lag_p50_s=max(process.lag_p50_s for process in processes),
        latency_p50_s=median(took or [0.0]),
        requests=max(config.requests, int(summary["ordered"])) if timed else config.requests,
        kept=len(samples),
        locust=int(summary["locust_requests"]),
        sent=(len(samples) + int(summary["warmed"])) * config.batch,
        answered=(len(took) + int(summary["warmed_ok"])) * config.batch,
        served=served,
        schedule=_schedule(samples, took, int(summary["waited"])) if config.arrivals and samples else None,
        processes=processes if len(processes) > 1 else (),
        twice=len(samples) - len({sample.number for sample in samples}),
        steps=_steps(config.arrivals, samples) if config.arrivals else (),
        backwards=sum(not sample.intended_s <= sample.sent_s <= min(*sample.chunks_s, sample.end_s, math.inf) for sample in samples),
        short_s=max(config.duration - summary["wall_s"], 0.0) if timed and config.duration else 0.0,
    )


def _processes(config: BenchConfig, samples: Sequence[Sample], told: Sequence[Mapping[str, Any]]) -> tuple[Process, ...]:
    """Each process by what it says of itself and by its samples, which are one of each so many."""
    found = []
    for number, one in enumerate(told):
        made = [sample for sample in samples if sample.number % len(told) == number]
        schedule = _schedule(made, [sample.latency_s for sample in made if sample.ok], 0) if config.arrivals and made else None
        share = one["cpu_s"] / max(one["wall_s"], 1e-9)
        found.append(Process(share, median(one["lags_s"] or [0.0]), len(made), schedule if len(told) > 1 else None))
    return tuple(found)


def _steps(arrivals: Arrivals, samples: Sequence[Sample]) -> tuple[tuple[int, Schedule], ...]:
    """Of each step of a ramp of which there are samples; which of them waited for a connection is known of all together only."""
    inside = by_step(arrivals, samples)
    return tuple((len(each), _schedule(each, [sample.latency_s for sample in each if sample.ok], 0)) for each in inside if each)


def _schedule(samples: Sequence[Sample], took: Sequence[float], waited: int) -> Schedule:
    sent = [sample.sent_s for sample in samples]
    delays = [sample.sent_s - sample.intended_s for sample in samples]
    offered_s = samples[-1].intended_s - samples[0].intended_s
    parts = (_quantile(delays, 50), _quantile(delays, 99), _quantile(took, 50), _quantile(took, 99))
    return Schedule(offered_s, max(sent) - min(sent), *parts, waited)


def _quantile(values: Sequence[float], percent: int) -> float:
    """The least value that `percent` of all do not exceed; 0 of none."""
    return sorted(values)[max(math.ceil(len(values) * percent / 100) - 1, 0)] if values else 0.0


def objections(found: Audit) -> list[str]:
    """Why the scenario is not valid; empty when it is."""
    return disturbances(found) + disagreements(found)


def disturbances(found: Audit) -> list[str]:
    """Signs that the generator did not get the machine's time: what may be otherwise at another try."""
    reasons = []
    for number, process in enumerate(found.processes or (Process(found.cpu_share, found.lag_p50_s, found.requests),), 1):
        who = f"process {number} of the generator" if found.processes else "the generator"
        if process.cpu_share > MOST_CPU:
            reasons.append(f"{who} used {process.cpu_share:.0%} of a core: it was the bottleneck")
        if process.lag_p50_s > max(LEAST_LAG_S, MOST_LAG_SHARE * found.latency_p50_s):
            reasons.append(f"{who} woke up {process.lag_p50_s * 1e3:.1f} ms late at a latency of {found.latency_p50_s * 1e3:.1f} ms")
        if process.schedule:
            reasons += [f"{who}: {reason}" for reason in _unpunctual(process.schedule, process.requests)]
    reasons += _unpunctual(found.schedule, found.requests) if found.schedule else []
    for number, (requests, step) in enumerate(found.steps, 1):
        reasons += [f"step {number} of the ramp: {reason}" for reason in _unpunctual(step, requests)]
    return reasons


def _unpunctual(found: Schedule, requests: int) -> list[str]:
    """Signs that an open loop was not the one that was asked for. What the wait for a connection did to it is said."""
    reasons = []
    if abs(found.sent_s - found.offered_s) > max(LEAST_SPAN_OFF_S, MOST_RATE_OFF * found.offered_s):
        offered, achieved = (((requests - 1) / max(span, 1e-9)) for span in (found.offered_s, found.sent_s))
        reasons.append(f"{offered:.1f} requests/s were to be sent and {achieved:.1f} were")
    for percent, delay_s, latency_s in ((50, found.delay_p50_s, found.latency_p50_s), (99, found.delay_p99_s, found.latency_p99_s)):
        if delay_s > max(LEAST_DELAY_S[percent], MOST_DELAY_SHARE[percent] * latency_s):
            reasons.append(f"p{percent} of the schedule delay is {delay_s * 1e3:.2f} ms, of the latency {latency_s * 1e3:.2f} ms")
    if reasons and found.waited:
        reasons.append(f"{found.waited} of {requests} requests waited for one of max_in_flight connections")
    return reasons


def disagreements(found: Audit) -> list[str]:
    """Counts that do not agree: no further try makes that believable."""
    reasons = []
    if not found.requests == found.kept == found.locust:
        reasons.append(f"{found.requests} requests were ordered, {found.kept} samples kept, Locust counted {found.locust}")
    if not found.answered <= found.served <= found.sent:
        reasons.append(f"the server finished {found.served} prompts, the generator got {found.answered} answers to {found.sent} sent")
    if found.twice:
        reasons.append(f"{found.twice} requests have the number of another")
    if found.short_s:
        reasons.append(f"the load was over {found.short_s:.1f} s too soon")
    if found.backwards:
        reasons.append(f"{found.backwards} requests ended before they were sent, or were sent before their time: a clock went back")
    return reasons
