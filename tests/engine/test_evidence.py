"""The samples that a plan reckons with are the newest of the same node, on the same kind of device."""

from __future__ import annotations

from pathlib import Path

import pytest

from ryot.cli.request import resolve
from ryot.engine.evidence import expected_of, last_evidence, planned_evidence, shared_targets
from ryot.plan.rounds import with_rounds
from ryot.store.store import EVIDENCE
from tests.conftest import Bench

TARGET = "a/wins >= 90%"


def hits(bench: Bench, steps: int, device: str = "cpu:test x2", target: str = TARGET) -> int | None:
    plan = bench.plan(bench.node("a", steps=steps), targets=[target], device=device)
    found = last_evidence(plan, bench.store).get("a/wins")
    return found.hits if found else None


def test_without_a_run_there_are_none(bench: Bench) -> None:
    assert hits(bench, 3) is None
    assert not bench.store.root.exists()


def test_newest_run_of_the_same_node_counts_though_its_settings_changed(bench: Bench) -> None:
    for steps in (3, 5):
        bench.apply(bench.plan(bench.node("a", steps=steps)))
    assert hits(bench, 7) == 5


def test_own_result_comes_first(bench: Bench) -> None:
    for steps in (3, 5):
        bench.apply(bench.plan(bench.node("a", steps=steps)))
    assert hits(bench, 3) == 3


def test_run_that_failed_is_passed_over(bench: Bench) -> None:
    bench.apply(bench.plan(bench.node("a", steps=3)))
    bench.apply(bench.plan(bench.node("a", steps=5, fail=True)))
    assert hits(bench, 7) == 3


def test_another_device_tells_nothing(bench: Bench) -> None:
    bench.apply(bench.plan(bench.node("a", steps=3)))
    assert hits(bench, 7, device="cuda:test x1") is None


def test_damaged_samples_are_as_none(bench: Bench) -> None:
    plan = bench.plan(bench.node("a", steps=3))
    bench.apply(plan)
    (bench.store.folder("count", plan.node("a").key) / EVIDENCE).write_text("{}")
    assert hits(bench, 3) is None


def test_rows_speak_of_the_last_samples(bench: Bench) -> None:
    plan = bench.plan(bench.node("a", steps=40), targets=[TARGET])
    assert planned_evidence(plan, bench.store)[0].ok is None
    bench.apply(plan)
    (row,) = planned_evidence(plan, bench.store)
    assert (row.provided, row.needed, row.ok) == (40, 29, True)


def test_of_promised_looks_a_plan_reckons_with_all_rounds_at_the_level_of_each(tmp_path: Path) -> None:
    spec = Path(__file__).parent.parent.parent / "specs" / "phase3.yaml"
    aims = "targets=[bench.single/latency_p95 < 1s, bench.sustained/latency_p95 < 1s, compare/loss_gap <= 1]"
    plan = with_rounds(resolve(spec, "none", (aims,), (), tmp_path).plan, {"bench.single": (4, 3), "compare": (4, 2)})
    assert [target.confidence for target in shared_targets(plan)] == pytest.approx([0.9875, 0.95, 0.95])
    found, each = expected_of(plan), {node.name: node.samples for node in plan.nodes}
    assert found["bench.single/latency_p95"].provided == 3 * each["bench.single"]["latency_p95"]
    assert found["bench.sustained/latency_p95"].provided == each["bench.sustained"]["latency_p95"]
    assert found["compare/stack_time_reduction"].provided == 2 * each["compare"]["stack_time_reduction"]
    assert found["compare/loss_gap"].provided == each["compare"].get("loss_gap")
