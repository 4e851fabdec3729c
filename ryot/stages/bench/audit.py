"""Whether a load test may be believed: the generator must not have been the bottleneck, and every count must agree. Pure.

A scenario that fails here has no numbers at all: it is an ERROR, not a FAIL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ryot.stages.bench.samples import Sample

MOST_CPU = 0.9
MOST_LAG_SHARE, LEAST_LAG_S = 0.25, 0.005


@dataclass(frozen=True, slots=True)
class Audit:
    """The generator on itself: CPU as a share of one core, the delay with which it woke up, and who counted how many.

    Prompts, those of the warm-up included: `sent`, `answered` rightly, `served` as the server counts them.
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


def audit(requests: int, batch: int, samples: Sequence[Sample], summary: Mapping[str, Any], served: int) -> Audit:
    """Gather what the verdict on the generator rests on, from the counted samples and the generator's own summary."""
    took = [sample.end_s - sample.start_s for sample in samples if sample.ok]
    return Audit(
        cpu_share=summary["cpu_s"] / max(summary["wall_s"], 1e-9),
        lag_p50_s=median(summary["lags_s"] or [0.0]),
        latency_p50_s=median(took or [0.0]),
        requests=requests,
        kept=len(samples),
        locust=int(summary["locust_requests"]),
        sent=(len(samples) + int(summary["warmed"])) * batch,
        answered=(len(took) + int(summary["warmed_ok"])) * batch,
        served=served,
    )


def objections(found: Audit) -> list[str]:
    """Why the scenario is not valid; empty when it is."""
    return disturbances(found) + disagreements(found)


def disturbances(found: Audit) -> list[str]:
    """Signs that the generator did not get the machine's time: what may be otherwise at another try."""
    reasons = []
    if found.cpu_share > MOST_CPU:
        reasons.append(f"the generator used {found.cpu_share:.0%} of a core: it was the bottleneck")
    if found.lag_p50_s > max(LEAST_LAG_S, MOST_LAG_SHARE * found.latency_p50_s):
        reasons.append(f"the generator woke up {found.lag_p50_s * 1e3:.1f} ms late at a latency of {found.latency_p50_s * 1e3:.1f} ms")
    return reasons


def disagreements(found: Audit) -> list[str]:
    """Counts that do not agree: no further try makes that believable."""
    reasons = []
    if not found.requests == found.kept == found.locust:
        reasons.append(f"{found.requests} requests were ordered, {found.kept} samples kept, Locust counted {found.locust}")
    if not found.answered <= found.served <= found.sent:
        reasons.append(f"the server finished {found.served} prompts, the generator got {found.answered} answers to {found.sent} sent")
    return reasons
