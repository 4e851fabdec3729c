"""A run such as phase3's on two cores, simulated: every status, a refuted claim, a failed node, hostile text."""

import random
from datetime import date

import pytest

from ryot.check.judge import Measured, judge
from ryot.estimate.claims import audit
from ryot.estimate.estimates import estimate
from ryot.estimate.processor import Here
from ryot.measures import Evidence, Measure, Target
from ryot.report.summary import Heading, Left, NodeRow, Summary, summarise
from ryot.spec import Spec

MACHINE = Here("cpu:test x2", 2, 16 << 30, frozenset({"avx2", "fma"}), 2500.0)
SPEC = {
    "version": 1,
    "name": "phase3",
    "claims": {"params": "1.1M"},
    "model": {"preset": "ryot-scaled"},
    "data": {"sources": [{"generate": {}}]},
    "train": {"epochs": 1},
    "targets": [
        "compare/stack_time_reduction >= 25%",
        {"measure": "compare/final_loss_difference", "at_most": 0.05},
        "bench.single/latency_p95 < 50ms",
        "bench.single/latency_p99 < 100ms",
        "bench.batch16/latency_p95 < 200ms",
        "bench.sustained/errors == 0",
        {"measure": "bench.sustained/throughput", "at_least": "400 tokens/s", "priority": "should"},
        "evaluate/reasoning.acc >= 30%",
        {
            "measure": "export/model_bytes",
            "less_than": "20MB",
            "waiver": {"owner": "ana", "reason": "INT8 export comes in May", "expires": "2027-05-31"},
        },
        "bench.failover/recovery < 10s",
    ],
}


def latency(q: int) -> Measure:
    return Measure(name=f"latency_p{q}", kind="percentile", quantile=q / 100, unit="s", about=f"p{q} of the time to the whole answer")


def _measured() -> dict[str, Measured]:
    draw = random.Random(42)
    found: dict[str, Measured] = {}
    for scenario, center, n in (("single", 0.0195, 1000), ("batch16", 0.168, 120), ("sustained", 0.061, 1000)):
        samples = tuple(center * draw.lognormvariate(0, 0.09) + (draw.random() < 0.02) * draw.uniform(0.01, 0.03) for _ in range(n))
        for q in (50, 95, 99):
            found[f"bench.{scenario}/latency_p{q}"] = Measured(latency(q), Evidence(samples=samples))
        errors = Measure(name="errors", kind="count", about="requests without a right answer")
        found[f"bench.{scenario}/errors"] = Measured(errors, Evidence(value=0, of=n))
        rate = Measure(name="throughput", kind="mean", unit="tokens/s", about="tokens out in each second")
        found[f"bench.{scenario}/throughput"] = Measured(rate, Evidence(samples=tuple(draw.gauss(20 / center, 40) for _ in range(60))))
    drift = [draw.lognormvariate(0, 0.1) for _ in range(12)]
    pairs = tuple((2.46 * d * draw.gauss(1, 0.03), 1.71 * d * draw.gauss(1, 0.03)) for d in drift)
    reduction = Measure(
        name="stack_time_reduction", kind="ratio", pair_unit="s", form="reduction", unit="proportion", about="less time for the same tokens"
    )
    speedup = Measure(name="speedup", kind="ratio", pair_unit="s", form="speedup", about="baseline time over optimized time")
    found["compare/stack_time_reduction"] = Measured(reduction, Evidence(pairs=pairs))
    found["compare/speedup"] = Measured(speedup, Evidence(pairs=pairs))
    found["compare/final_loss_difference"] = Measured(Measure(name="final_loss_difference", kind="exact"), Evidence(value=0.0117))
    accuracy = Measure(name="reasoning.acc", kind="proportion", unit="proportion", about="multiple choice over held-out examples")
    found["evaluate/reasoning.acc"] = Measured(accuracy, Evidence(hits=66, of=200))
    found["export/model_bytes"] = Measured(Measure(name="model_bytes", kind="exact", unit="bytes"), Evidence(value=42_300_160))
    return found


def _history(start: float, end: float, n: int, seed: int) -> list[float]:
    draw = random.Random(seed)
    return [end + (start - end) * 2.718 ** (-5 * i / n) + draw.gauss(0, 0.03) for i in range(n)]


NODES = (
    NodeRow("data", "data", "cached", None, "", "3fa1c09be2d4"),
    NodeRow("tokenizer", "tokenizer", "cached", None, "", "77b0d3e1aa09"),
    NodeRow("train.baseline", "train", "cached", None, "", "0c2f8e6d1b5a"),
    NodeRow("train.optimized", "train", "ran", 187.4, "kernel.level 2 -> 3", "e19a4471c0d2"),
    NodeRow("compare", "compare", "ran", 74.02, "train.optimized runs", "9b21f04ce7f3"),
    NodeRow("export", "export", "ran", 3.9, "train.optimized runs", "d0c6a8157e22"),
    NodeRow("serve", "serve", "ran", 61.3, "a service is never cached", "5e7712ab09cd"),
    NodeRow("evaluate", "evaluate", "ran", 95.6, "export runs", "1f0e9d8c7b6a"),
    NodeRow("bench.single", "bench", "ran", 24.1, "serve: export runs", "aa00bb11cc22"),
    NodeRow("bench.batch16", "bench", "ran", 21.0, "serve: export runs", "bb11cc22dd33"),
    NodeRow("bench.sustained", "bench", "ran", 66.6, "serve: export runs", "cc22dd33ee44"),
    NodeRow(
        "bench.failover", "bench", "failed", 12.2, "\x1b[31mserve<script>alert(1)</script>\x1b[0m was killed | `signal 9`", "dd33ee44ff55"
    ),
)
COMPARISON = {
    "stage": "phase3",
    "model": "ryot-scaled",
    "baseline": {"total_time": 268.31, "avg_epoch_time": 26.83, "final_loss": 1.8421, "losses": [7.6, 1.8], "throughput": 2107.4},
    "optimized": {"total_time": 187.4, "avg_epoch_time": 18.74, "final_loss": 1.8538, "losses": [7.6, 1.9], "throughput": 3017.9},
    "comparison": {
        "speedup_percent": 30.2,
        "throughput_improvement_percent": 43.2,
        "loss_convergence_match": True,
        "all_criteria_met": True,
    },
}


TRAININGS = (("train.baseline", 1.84, 1), ("train.optimized", 1.85, 2))


@pytest.fixture(scope="session")
def summary() -> Summary:
    spec = Spec.model_validate(SPEC)
    targets = [*spec.targets, Target(measure="bench.x/y", comparison="<", bound=1, written="bench.x/y < <b>1</b>", priority="should")]
    problems = {"bench.failover": "failed: serve was killed by signal 9", "bench.x": "was not run"}
    measured = _measured()
    return summarise(
        Heading("phase3", "2026-11-21T03-12-44-7f3a", "cpu", "cpu:AMD EPYC 9B14 x2", "2026-11-21", "0.1.0"),
        NODES,
        judge(targets, measured, problems, date(2026, 11, 21)),
        measured,
        claims=audit(spec, estimate(spec, MACHINE)),
        left=Left(COMPARISON, histories={name: _history(7.7, loss, 500, seed) for name, loss, seed in TRAININGS}),
    )
