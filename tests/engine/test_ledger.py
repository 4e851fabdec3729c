"""What a run predicted meets what it measured: once, for the nodes that ran in it, and even if the apply was killed in between."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ryot.backends.local import LocalBackend
from ryot.engine.apply import Surroundings, apply
from ryot.engine.ledger import entries_of, keep, settle
from ryot.estimate.calibration import Like, Past, Prediction
from ryot.plan.plan import Plan
from ryot.store.journal import Run, begin
from ryot.store.ledger import read
from ryot.store.store import EVIDENCE
from tests.conftest import Bench


def predictions(*names: str, value: float = 4.0) -> dict[str, Prediction]:
    return {name: Prediction(name, raw=5.0, value=value, unit="", engine="counter 1.2", shape="abc") for name in names}


def ran(bench: Bench, plan: Plan, expected: dict[str, Prediction]) -> Run:
    run = begin(bench.store.runs, plan.name, datetime.now(UTC), "", plan.model_dump_json())
    keep(expected, run)
    list(apply(plan, bench.store, LocalBackend(), Surroundings(bench.plugins, 2), run))
    return run


def test_finished_node_gives_an_entry(bench: Bench) -> None:
    plan = bench.plan(bench.node("a", steps=3))
    run = ran(bench, plan, predictions("a/steps"))
    (found,) = entries_of(plan, bench.store, predictions("a/steps"), run)
    record = bench.store.record("count", plan.node("a").key)
    assert record
    assert (found.node, found.stage, found.measure, found.spec, found.run) == ("a", "count", "steps", "toy", run.id)
    assert (found.raw, found.predicted, found.measured, found.at, found.key) == (5, 4, 3, record.finished, record.key)
    assert found.past == Past(Like("cpu:test x2", "counter 1.2", "count", "steps", "abc"), 5, 3)


def test_second_apply_adds_nothing(bench: Bench) -> None:
    plan = bench.plan(bench.node("a"))
    runs = [ran(bench, plan, predictions("a/steps"))]
    assert settle(bench.store, runs) == 1
    runs.append(ran(bench, plan, predictions("a/steps", value=3.0)))
    assert entries_of(plan, bench.store, predictions("a/steps"), runs[1]) == []
    assert settle(bench.store, runs) == 0
    assert [entry.run for entry in read(bench.store.root)] == [runs[0].id]


def test_node_that_failed_or_was_not_predicted_gives_none(bench: Bench) -> None:
    plan = bench.plan(bench.node("a"), bench.node("bad", fail=True), bench.node("b", words="b"))
    run = ran(bench, plan, predictions("a/steps", "bad/steps", "c/steps", "a/nothing"))
    assert settle(bench.store, [run]) == 1
    assert [entry.node for entry in read(bench.store.root)] == ["a"]


def test_apply_killed_before_the_ledger_is_settled_by_the_next(bench: Bench) -> None:
    plan = bench.plan(bench.node("a"), bench.node("b", words="b"))
    killed = ran(bench, plan, predictions("a/steps", "b/wins"))  # it ended here, without a word to the ledger
    following = ran(bench, plan, predictions("a/steps", "b/wins", value=99.0))
    assert settle(bench.store, [killed, following]) == 2
    assert [(entry.run, entry.predicted) for entry in read(bench.store.root)] == [(killed.id, 4.0)] * 2


@pytest.mark.parametrize("text", [None, "", "[1]", '{"a/steps": {"raw": "much"}}'])
def test_predictions_that_cannot_be_read_add_nothing(bench: Bench, text: str | None) -> None:
    plan = bench.plan(bench.node("a"))
    run = ran(bench, plan, predictions("a/steps"))
    kept = Path(run.folder / "predictions.json")
    kept.unlink() if text is None else kept.write_text(text)
    assert settle(bench.store, [run]) == 0


def test_predictions_come_back_as_they_were_kept(bench: Bench) -> None:
    plan = bench.plan(bench.node("a"))
    exact = {"a/steps": Prediction("a/steps", raw=math.pi, value=1 / 3, unit="", engine="e", shape="s", basis="3 measurements", error=0.1)}
    run = ran(bench, plan, exact)
    settle(bench.store, [run])
    (found,) = read(bench.store.root)
    assert (found.raw, found.predicted) == (math.pi, 1 / 3)


def test_damaged_samples_give_no_entry(bench: Bench) -> None:
    plan = bench.plan(bench.node("a"))
    run = ran(bench, plan, predictions("a/steps"))
    (bench.store.folder("count", plan.node("a").key) / EVIDENCE).write_text("{}")
    assert settle(bench.store, [run]) == 0
