"""Further rounds of a node: when they are drawn, what they are worth, and that no later look is laxer than what was promised."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ryot.cli.request import resolve
from ryot.engine import events
from ryot.engine.leftovers import clear, find
from ryot.engine.looks import promised
from ryot.engine.outcome import measured
from ryot.engine.rounds import known
from ryot.engine.survey import plan_of
from ryot.errors import NodeError
from ryot.plan.plan import Plan
from ryot.store.journal import all_runs
from ryot.store.looks import file_of
from ryot.store.store import EVIDENCE
from tests.conftest import TODAY, Bench, toy_bench

PHASE3 = Path(__file__).parent.parent.parent / "specs" / "phase3.yaml"
COUNT, FEW = "d/errors == 0", "d/errors <= 2"
"""Round n has n - 1 errors."""
FAR = "d/latency_p95 < 100s"
"""Needs 86 samples at 98.75 % to pass, and nothing else: three rounds of 40."""
NEAR = "d/latency_p95 < 3s"
"""The truth is 2.996 s: no number of rounds decides it."""


def drawn(bench: Bench, *targets: str, device: str = "cpu:test x2", **config: object) -> Plan:
    return bench.plan(bench.node("d", "draw", **config), targets=targets or (FAR,), device=device)


def finished(happened: list[events.Event]) -> list[str]:
    return [event.node for event in happened if isinstance(event, events.Finished)]


def looked(happened: list[events.Event]) -> list[tuple[int, bool]]:
    return [(event.look, event.again) for event in happened if isinstance(event, events.Looked)]


def said(bench: Bench, plan: Plan) -> tuple[str, int, int, int]:
    verdict = bench.judge(plan)[0]
    return verdict.status, verdict.n, verdict.looks, verdict.promised


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[events.Event]]:
    """A folder whose store has three rounds, of four that were promised, and what happened."""
    folder = tmp_path_factory.mktemp("three")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RYOT_RUNTIME_DIR", str(folder))
        bench = toy_bench(folder)
        return folder, bench.apply(drawn(bench), looks=4)


@pytest.fixture
def done(three: tuple[Path, list[events.Event]], bench: Bench) -> Bench:
    """A bench with a copy of that store."""
    shutil.copytree(three[0] / "store", bench.store.root)
    return bench


def test_rounds_are_drawn_until_the_target_is_decided(three: tuple[Path, list[events.Event]], done: Bench) -> None:
    assert finished(three[1]) == ["d", "d#2", "d#3"]
    assert looked(three[1]) == [(1, True), (2, True), (3, False)]
    assert said(done, drawn(done)) == ("PASS", 120, 3, 4)
    assert done.judge(drawn(done))[0].level == pytest.approx(0.9875)


def test_each_round_has_samples_and_a_record_of_its_own(done: Bench) -> None:
    whole = known(drawn(done), done.store)
    assert whole.names == ("d", "d#2", "d#3")
    records = [record for node in whole.nodes if (record := done.store.record(node.stage, node.key))]
    assert [record.node for record in records] == ["d", "d#2", "d#3"]
    assert len({done.store.evidence(record)["latency_p95"].samples for record in records}) == 3


def test_run_and_journal_keep_the_looks_and_the_rounds(done: Bench) -> None:
    run = all_runs(done.store.runs)[-1]
    plan = plan_of(run)
    assert plan
    assert (plan.names, plan.node("d").looks) == (("d", "d#2", "d#3"), 4)
    told = [(event["look"], event["promised"], event["again"]) for event in run.events() if event["event"] == "looked"]
    assert told == [(1, 4, True), (2, 4, True), (3, 4, False)]
    file_of(done.store, "draw", plan.node("d").key).unlink()  # as in a bundle that lost it
    assert said(done, plan) == ("PASS", 120, 3, 4)


# No later look is laxer


def test_later_apply_and_check_judge_all_rounds_as_was_promised(done: Bench) -> None:
    plan = drawn(done, FAR, NEAR)
    before = done.judge(plan)
    assert [(verdict.n, verdict.looks, verdict.promised) for verdict in before] == [(120, 3, 4)] * 2
    assert done.apply(plan) == []
    assert done.judge(plan) == before


def test_more_looks_cannot_be_promised_afterwards(done: Bench) -> None:
    again, notes = promised(drawn(done), done.store, 8, TODAY)
    assert notes == ("d: 4 looks were promised before its first samples; that number stands",)
    assert (again.node("d").looks, len(again.rounds("d"))) == (4, 2)


def test_samples_that_were_there_before_a_promise_get_no_further_rounds(bench: Bench) -> None:
    plan = drawn(bench)
    assert looked(bench.apply(plan)) == []
    happened = bench.apply(plan, looks=4)
    assert finished(happened) == looked(happened) == []
    assert "nothing of the error is left" in promised(plan, bench.store, 4, TODAY)[1][0]
    assert said(bench, plan) == ("INCONCLUSIVE", 40, 1, 1)
    assert known(plan, bench.store) == plan
    bench.store.set_aside("draw", plan.node("d").key)
    assert promised(plan, bench.store, 4, TODAY)[0].node("d").looks == 1  # they were there all the same
    assert [clear(item) for item in find(bench.store, ())] == [None]  # as `ryot gc`
    assert not list((bench.store.root / "store").glob("*/*.damaged-*"))
    again, notes = promised(plan, bench.store, 4, TODAY)
    assert again.node("d").looks == 1
    assert "nothing of the error is left" in notes[0]


@pytest.mark.parametrize("unused", [False, True])
def test_promise_outlives_the_samples_that_were_cleared(done: Bench, unused: bool) -> None:
    key = drawn(done).node("d").key
    if not unused:
        done.store.set_aside("draw", key)
    wanted = [item for item in find(done.store, (), used=() if unused else None) if item.path.name.startswith(key)]
    assert [(item.kind, clear(item)) for item in wanted] == [("unused" if unused else "damaged", None)]
    assert not done.store.was_finished("draw", key)
    again, notes = promised(drawn(done), done.store, 8, TODAY)
    assert notes == ("d: 4 looks were promised before its first samples; that number stands",)
    assert (again.node("d").looks, again.names) == (4, ("d", "d#2", "d#3"))
    file_of(done.store, "draw", key).write_text("{")
    done.store.folder("draw", key).with_name(f"{key}.damaged-1").mkdir()
    (left,) = [item for item in find(done.store, ()) if item.kind == "damaged"]
    assert "cannot be read" in (clear(left) or "")
    assert left.path.exists()


def test_older_run_that_took_no_samples_is_judged_as_was_promised_later(done: Bench) -> None:
    older = drawn(done)
    assert older.node("d").looks == 1
    assert said(done, older) == ("PASS", 120, 3, 4)


# Crashes and failures


def test_interrupted_round_is_what_the_next_apply_goes_on_with(bench: Bench, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    plan = drawn(bench, gate=str(gate), gated=3)
    running = bench.events(plan, looks=4)
    assert any(isinstance(event, events.Started) and event.node == "d#3" for event in running)
    running.close()
    assert bench.judge(plan)[0].reason == "d has a round without samples: d#3 was not run"
    gate.unlink()
    gate.write_text("go")
    assert finished(bench.apply(plan, looks=4)) == ["d#3"]
    assert said(bench, plan) == ("PASS", 120, 3, 4)


def test_round_that_fails_makes_the_measure_an_error_and_a_plain_apply_repeats_it(bench: Bench, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    plan = drawn(bench, fail_while=str(flag), gated=2)
    assert finished(bench.apply(plan, looks=4)) == ["d"]
    (verdict,) = bench.judge(plan)
    assert (verdict.status, verdict.reason) == ("ERROR", "d has a round without samples: d#2 failed: asked to fail")
    flag.unlink()
    assert finished(bench.apply(plan)) == ["d#2"]
    assert said(bench, plan) == ("INCONCLUSIVE", 80, 2, 4)


def test_damaged_samples_of_a_round_are_no_verdict_and_are_taken_anew(done: Bench) -> None:
    plan = drawn(done)
    (done.store.folder("draw", known(plan, done.store).node("d#2").key) / EVIDENCE).write_text("{}")
    assert said(done, plan)[0] == "ERROR"
    assert finished(done.apply(plan)) == ["d#2"]
    assert said(done, plan) == ("PASS", 120, 3, 4)


def test_promise_that_cannot_be_read_is_no_verdict(done: Bench) -> None:
    file_of(done.store, "draw", drawn(done).node("d").key).write_text("{")
    with pytest.raises(NodeError, match="how many looks were promised, cannot be read"):
        done.judge(drawn(done))


def test_rounds_on_different_devices_are_never_pooled(done: Bench) -> None:
    shutil.rmtree(done.store.folder("draw", known(drawn(done), done.store).node("d#2").key))
    assert finished(done.apply(drawn(done, device="cuda:test x1"))) == ["d#2"]
    (verdict,) = done.judge(drawn(done))
    assert verdict.status == "ERROR"
    assert "rounds on different devices, which are never pooled: cpu:test x2 and cuda:test x1" in verdict.reason


# What further rounds are worth


def test_number_of_a_round_has_to_hold_in_each_and_fixed_samples_stay_as_they_are(done: Bench) -> None:
    plan = drawn(done, COUNT, FEW, "d/kept >= 2", "d/seen >= 1")
    none, few, kept, seen = done.judge(plan)
    assert (none.status, few.status, few.value) == ("FAIL", "PASS", 2)
    assert (kept.status, kept.n, kept.promised) == ("INCONCLUSIVE", 4, 1)
    assert (seen.status, seen.reason) == ("ERROR", "d/seen was not measured: it is missing in d#2: nothing was to be seen")
    found, _ = measured(known(plan, done.store), done.store)
    assert [found[name].evidence.value for name in ("d/errors", "d#2/errors", "d#3/errors")] == [0, 1, 2]


@pytest.mark.parametrize(("target", "count", "looks", "words"), [
    ("d/latency_p95 < 2.9s", 100, 2, "more requests needed, the one round left brings 100; no further round"),
    (FAR, 10, 4, "about 76 more requests needed, the 3 rounds left bring 30; no further round"),
])  # fmt: skip
def test_rounds_that_can_hardly_suffice_are_not_drawn(bench: Bench, target: str, count: int, looks: int, words: str) -> None:
    happened = bench.apply(drawn(bench, target, count=count), looks=looks)
    (event,) = [event for event in happened if isinstance(event, events.Looked)]
    assert (event.look, event.again) == (1, False)
    assert words in event.text


def test_last_promised_look_is_the_last(bench: Bench) -> None:
    plan = drawn(bench, count=36)  # 72 samples are needed
    happened = bench.apply(plan, looks=2)
    assert looked(happened) == [(1, True), (2, False)]
    more = drawn(bench, NEAR, count=36)
    assert looked(bench.apply(more, looks=2)) == [(2, False)]
    assert said(bench, more) == ("INCONCLUSIVE", 72, 2, 2)


@pytest.mark.parametrize("target", [COUNT, "d/kept >= 2"])
def test_targets_that_no_further_samples_decide_promise_nothing(bench: Bench, target: str) -> None:
    plan, notes = promised(drawn(bench, target), bench.store, 4, TODAY)
    assert notes == ("there is no target on a measure of which further rounds can be drawn",)
    assert plan.node("d").looks == 1


def test_service_stays_up_for_the_rounds(bench: Bench) -> None:
    nodes = (bench.node("s", "chat"), bench.node("d", "draw", service="s", count=80))
    happened = bench.apply(bench.plan(*nodes, targets=[FAR]), looks=4)
    assert [type(event).__name__ for event in happened if event.node == "s"] == ["Started", "Ready", "Stopped"]
    assert finished(happened) == ["d", "d#2"]


@pytest.mark.parametrize(("requests", "looks", "words"), [
    (400, 4, "at most 4 looks, each at 98.75 %, so that all together hold at 95 %"),
    (30, 3, "at most 3 looks, each at 98.3333 %, so that all together hold at 95 %; too few for bench.single/latency_p99 < 1s"),
    (30, 2, "2 rounds cannot bring the samples that its targets need, with --rounds 3 they could; one look is made"),
    (3, 4, "4 rounds cannot bring the samples that its targets need, no number of rounds can; one look is made"),
])  # fmt: skip
def test_it_is_said_beforehand_whether_the_rounds_can_suffice(requests: int, looks: int, words: str, tmp_path: Path) -> None:
    aims = "targets=[bench.single/latency_p95 < 1s, bench.single/latency_p99 < 1s]"
    planned = resolve(PHASE3, "none", (aims, f"bench.scenarios.single.requests={requests}"), (), tmp_path)
    plan, notes = promised(planned.plan, planned.store, looks, TODAY)
    assert notes == (f"bench.single: {words}",)
    assert plan.node("bench.single").looks == (looks if words.startswith("at most") else 1)
