"""The samples that a plan reckons with are the newest of the same node, on the same kind of device."""

from __future__ import annotations

from ryot.engine.evidence import last_evidence, planned_evidence
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
