import os
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from ryot import processes
from ryot.backends.local import LocalBackend
from ryot.engine import events
from ryot.engine.survey import survey
from ryot.plugins import Job, JobState
from tests.conftest import Bench


def kinds(happened: list[events.Event], kind: type[events.Event]) -> list[str]:
    return [event.node for event in happened if type(event) is kind]


def test_nodes_run_in_order_and_are_finished(bench: Bench) -> None:
    plan = bench.plan(bench.node("b", inputs=["a"], words="b"), bench.node("a", words="a"))
    assert kinds(bench.apply(plan), events.Finished) == ["a", "b"]
    assert (bench.out(plan, "b") / "count.txt").read_text() == "a3\nb3\n"


def test_second_apply_runs_nothing(bench: Bench) -> None:
    plan = bench.plan(bench.node("a"))
    bench.apply(plan)
    assert bench.apply(plan) == []


def test_failure_skips_only_what_needs_it(bench: Bench) -> None:
    plan = bench.plan(bench.node("bad", fail=True), bench.node("after", inputs=["bad"], words="y"), bench.node("other", words="z"))
    happened = bench.apply(plan)
    assert kinds(happened, events.Failed) == ["bad"]
    assert kinds(happened, events.Skipped) == ["after"]
    assert kinds(happened, events.Finished) == ["other"]


def test_failure_tells_cause_hint_and_log(bench: Bench) -> None:
    happened = bench.apply(bench.plan(bench.node("bad", fail=True)))
    failed = next(event for event in happened if isinstance(event, events.Failed))
    assert (failed.message, failed.hint) == ("asked to fail", "ask it not to")
    assert any("asked to fail" in line for line in failed.last_lines)


def test_a_failure_of_an_earlier_apply_is_not_told_as_this_ones(bench: Bench) -> None:
    """No keeper comes to take its word away where the backend cannot start the job at all."""

    class Refuses(LocalBackend):
        def submit(self, job: Job) -> None:
            super().submit(replace(job, file=job.file.with_name("none")))

        def poll(self, name: str) -> JobState:
            state = super().poll(name)
            return state if state.code is None else JobState(127, "hostB cannot start it: see the log")

    plan = bench.plan(bench.node("bad", fail=True))
    bench.apply(plan)
    happened = list(bench.events(plan, away=Refuses()))
    failed = next(event for event in happened if isinstance(event, events.Failed))
    assert (failed.message, failed.kind) == ("the worker ended with exit code 127: hostB cannot start it: see the log", "Crash")


def test_missing_package_is_named_with_what_to_do(bench: Bench) -> None:
    failed = next(event for event in bench.apply(bench.plan(bench.node("a", "lost"))) if isinstance(event, events.Failed))
    assert failed.message == "lost needs the package package_that_is_not_there"
    assert "ryot doctor" in str(failed.hint)


def test_failed_node_continues_from_its_scratch(bench: Bench, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    plan = bench.plan(bench.node("a", fail_while=str(flag)))
    assert kinds(bench.apply(plan), events.Failed) == ["a"]
    assert survey(plan, bench.store)["a"].why == "failed last time: asked to fail"
    flag.unlink()
    assert kinds(bench.apply(plan), events.Finished) == ["a"]
    record = bench.store.record("count", plan.node("a").key)
    assert record
    assert bench.store.evidence(record)["resumed"].value == 3


def test_service_starts_once_for_all_and_is_gone_afterwards(bench: Bench) -> None:
    nodes = [bench.node("s", "chat"), *(bench.node(f"q{i}", "ask", service="s", times=i + 1) for i in range(3))]
    happened = bench.apply(bench.plan(*nodes))
    assert kinds(happened, events.Ready) == kinds(happened, events.Stopped) == ["s"]
    assert sorted(kinds(happened, events.Finished)) == ["q0", "q1", "q2"]
    assert processes.descendants(os.getpid()) == []


def test_service_that_does_not_start_fails_its_users(bench: Bench) -> None:
    happened = bench.apply(bench.plan(bench.node("s", "chat", broken=True), bench.node("q", "ask", service="s"), bench.node("a")))
    assert kinds(happened, events.Failed) == ["s"]
    assert kinds(happened, events.Skipped) == ["q"]
    assert kinds(happened, events.Finished) == ["a"]


def test_service_that_dies_fails_who_talks_to_it(bench: Bench) -> None:
    happened = bench.apply(bench.plan(bench.node("s", "chat"), bench.node("q", "ask", service="s", kill=True)))
    assert kinds(happened, events.Failed) == ["s"]
    assert kinds(happened, events.Skipped) == ["q"]


def test_speed_node_has_the_machine_to_itself(bench: Bench) -> None:
    nodes = [
        bench.node("s", "chat"),
        bench.node("q", "ask", service="s"),
        bench.node("fast", words="f", measures_speed=True),
        bench.node("slow", words="s"),
    ]
    happened = bench.apply(bench.plan(*nodes))
    names = [(type(event).__name__, event.node) for event in happened if not isinstance(event, events.Progress)]
    assert names.index(("Stopped", "s")) < names.index(("Started", "fast"))
    assert names.index(("Finished", "fast")) == names.index(("Started", "fast")) + 1


@pytest.mark.parametrize("ends", ["crashes", "returns"])
def test_strays_do_not_survive_their_node(bench: Bench, tmp_path: Path, ends: str) -> None:
    pid_file = tmp_path / "pid"
    happened = bench.apply(bench.plan(bench.node("a", "stray", pid_file=str(pid_file), ends=ends)))
    assert kinds(happened, events.Failed if ends == "crashes" else events.Finished) == ["a"]
    assert not psutil.pid_exists(int(pid_file.read_text()))


def test_damaged_result_is_set_aside_and_made_again(bench: Bench) -> None:
    first = bench.plan(bench.node("a"))
    bench.apply(first)
    (bench.out(first, "a") / "count.txt").write_text("y3\n")
    plan = bench.plan(bench.node("a"), bench.node("b", inputs=["a"], words="b"))
    happened = bench.apply(plan)
    assert kinds(happened, events.Damaged) == ["a"]
    assert kinds(happened, events.Finished) == ["a", "b"]
    assert (bench.out(plan, "b") / "count.txt").read_text() == "x3\nb3\n"


def test_finished_node_stays_finished_when_its_ancestor_is_gone(bench: Bench) -> None:
    plan = bench.plan(bench.node("a"), bench.node("b", inputs=["a"], words="b"))
    bench.apply(plan)
    bench.store.set_aside("count", plan.node("a").key)
    assert bench.apply(plan) == []


def test_node_runs_after_what_it_does_not_read(bench: Bench) -> None:
    plan = bench.plan(bench.node("dear", after=["check"], words="d"), bench.node("check", words="c"))
    assert plan.names == ("check", "dear")
    assert kinds(bench.apply(plan), events.Finished) == ["check", "dear"]
    assert (bench.out(plan, "dear") / "count.txt").read_text() == "d3\n"


def test_failed_check_keeps_what_comes_after_it_from_running(bench: Bench) -> None:
    nodes = (
        bench.node("check", fail=True),
        bench.node("dear", after=["check"], words="d"),
        bench.node("below", inputs=["dear"], words="b"),
    )
    happened = bench.apply(bench.plan(*nodes, bench.node("other", words="o")))
    assert kinds(happened, events.Failed) == ["check"]
    assert kinds(happened, events.Finished) == ["other"]
    told = {event.node: event.words for event in happened if isinstance(event, events.Skipped)}
    assert told == {"dear": "it comes after check, which failed", "below": "it needs dear, which failed"}


def test_check_behind_a_check_that_failed_is_skipped_and_told(bench: Bench) -> None:
    nodes = (bench.node("check", fail=True), bench.node("end", inputs=["check"]), bench.node("dear", after=["end"], words="d"))
    assert kinds(bench.apply(bench.plan(*nodes)), events.Skipped) == ["end", "dear"]


def test_check_runs_only_when_what_comes_after_it_does(bench: Bench) -> None:
    bench.apply(bench.plan(bench.node("dear", words="d")))
    plan = bench.plan(bench.node("dear", after=["end"], words="d"), bench.node("end", inputs=["check"]), bench.node("check", words="c"))
    assert {state.state for state in survey(plan, bench.store).values()} == {"cached"}
    assert bench.apply(plan) == []


def test_survey_tells_what_a_node_comes_after(bench: Bench) -> None:
    plan = bench.plan(bench.node("dear", after=["check"], inputs=["data"]), bench.node("check", words="c"), bench.node("data", words="e"))
    states = survey(plan, bench.store)
    assert (states["dear"].state, states["dear"].why) == ("waits", "never ran; waits for data; comes after check")
    bench.apply(bench.plan(bench.node("check", words="c"), bench.node("data", words="e")))
    assert (survey(plan, bench.store)["dear"].state, survey(plan, bench.store)["dear"].why) == ("runs", "never ran")


def test_check_with_a_service_of_its_own(bench: Bench) -> None:
    nodes = (bench.node("s", "chat"), bench.node("check", "ask", service="s"), bench.node("dear", after=["check"], measures_speed=True))
    happened = bench.apply(bench.plan(*nodes))
    names = [(type(event).__name__, event.node) for event in happened if not isinstance(event, events.Progress)]
    assert names.index(("Finished", "check")) < names.index(("Stopped", "s")) < names.index(("Started", "dear"))
