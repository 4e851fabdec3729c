"""What must hold when stages misbehave, results are damaged, and applies meet: no false finish, no endless wait, no foreign work killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ryot import processes
from ryot.engine import events
from ryot.engine.outcome import measured
from ryot.engine.survey import last_failure
from ryot.errors import MachineError
from ryot.files import locked
from ryot.plan.plan import Plan
from ryot.store.store import EVIDENCE, RECORD
from tests.conftest import Bench

ROOT = Path(__file__).parent.parent.parent


def kinds(happened: list[events.Event], kind: type[events.Event]) -> list[str]:
    return [event.node for event in happened if type(event) is kind]


def message(happened: list[events.Event]) -> str:
    return next(event.message for event in happened if isinstance(event, events.Failed))


def until(true: Callable[[], object], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def other(bench: Bench, tmp_path: Path) -> Iterator[Callable[[Plan], subprocess.Popen[str]]]:
    """Start another apply of a plan in the same store, in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(plan: Plan) -> subprocess.Popen[str]:
        file = tmp_path / f"plan{len(started)}.json"
        file.write_text(plan.model_dump_json())
        argv = [sys.executable, "-m", "tests.engine.other", str(bench.store.root), str(file)]
        started.append(subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str], words: str) -> bool:
    assert process.stdout is not None
    return any(line.strip() == words for line in process.stdout)


# Applies that meet


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_apply_that_waits_for_a_node_and_is_ended_leaves_it_to_who_runs_it(
    bench: Bench, tmp_path: Path, other: Callable[[Plan], subprocess.Popen[str]], number: signal.Signals
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    plan = bench.plan(bench.node("a", gate=str(gate), steps=1))
    first, second = other(plan), None
    assert said(first, "Started a")
    log = bench.store.folder("count", plan.node("a").key) / "log.txt"
    assert until(lambda: log.exists() and "begins" in log.read_text())
    second = other(plan)
    assert said(second, "Waiting a")
    second.send_signal(number)
    second.wait(20)
    gate.write_text("go")
    assert said(first, "Finished a")


def test_three_applies_of_one_node_all_see_it_finished(
    bench: Bench, tmp_path: Path, other: Callable[[Plan], subprocess.Popen[str]]
) -> None:
    """Each keeper in turn has the lock while others wait for it; none is taken for what a crash left."""
    gate, flag = tmp_path / "gate", tmp_path / "flag"
    os.mkfifo(gate)
    flag.touch()
    plan = bench.plan(bench.node("a", gate=str(gate), fail_while=str(flag), steps=1))
    first = other(plan)
    assert said(first, "Started a")
    log = bench.store.folder("count", plan.node("a").key) / "log.txt"
    assert until(lambda: log.exists() and "begins" in log.read_text())
    waiting = [other(plan), other(plan)]
    assert all(said(process, "Waiting a") for process in waiting)
    gate.write_text("go")
    assert said(first, "Failed a")
    flag.unlink()
    for process in waiting:
        process.wait(30)
        assert process.stdout is not None
        assert "Finished a" in process.stdout.read()


def test_result_set_aside_by_one_apply_is_not_taken_from_who_makes_it_anew(
    bench: Bench, other: Callable[[Plan], subprocess.Popen[str]]
) -> None:
    first = bench.plan(bench.node("a"))
    bench.apply(first)
    (bench.out(first, "a") / "count.txt").write_text("y3\n")
    folder = bench.store.folder("count", first.node("a").key)
    plan = bench.plan(bench.node("a"), bench.node("b", inputs=["a"], words="b"))
    with locked(folder / "lock"):  # as the first of two that found the damage
        second = other(plan)
        assert until(lambda: any("->" in line and f" {second.pid} " in line for line in Path("/proc/locks").read_text().splitlines()))
        bench.store.set_aside("count", plan.node("a").key)
        folder.mkdir()
        (folder / "made anew").touch()
    assert second.wait(30) == 0
    assert (folder / "made anew").exists()
    assert len(list(folder.parent.glob("*.damaged-*"))) == 1


# Damaged records


@pytest.mark.parametrize("record", ["", "{", '{"node": "a"}', "\udcff"])
def test_record_that_cannot_be_read_is_set_aside_and_its_node_runs_again(bench: Bench, record: str) -> None:
    plan = bench.plan(bench.node("a"))
    bench.apply(plan)
    (bench.store.folder("count", plan.node("a").key) / RECORD).write_bytes(record.encode(errors="surrogateescape"))
    happened = bench.apply(plan)
    assert kinds(happened, events.Damaged) == kinds(happened, events.Finished) == ["a"]


def test_lost_samples_of_a_judged_node_are_measured_again(bench: Bench) -> None:
    plan = bench.plan(bench.node("a"), targets=["a/steps == 3"])
    bench.apply(plan)
    (bench.store.folder("count", plan.node("a").key) / EVIDENCE).unlink()
    happened = bench.apply(plan)
    assert kinds(happened, events.Damaged) == kinds(happened, events.Finished) == ["a"]
    assert measured(plan, bench.store)[1] == {}


def test_node_whose_lock_another_machine_was_given_meanwhile_is_not_committed(
    bench: Bench, tmp_path: Path, other: Callable[[Plan], subprocess.Popen[str]]
) -> None:
    """A file server that has not heard of a machine for a while gives its locks away, and that machine does not hear of it."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    plan = bench.plan(bench.node("a", gate=str(gate), steps=1))
    process = other(plan)
    with gate.open("w"):  # which the worker has opened too: its keeper has the lock
        (bench.store.folder("count", plan.node("a").key) / "lock").write_text("pid 12 on elsewhere")
    assert said(process, "Failed a")
    failure = last_failure(bench.store, plan.node("a"))
    assert failure
    assert failure.message == "the lock of a was lost, and pid 12 on elsewhere has it now"
    assert bench.store.record("count", plan.node("a").key) is None


# What crashes leave lying about


def test_scratch_that_a_crash_after_the_commit_left_is_let_go(bench: Bench) -> None:
    plan = bench.plan(bench.node("a"))
    bench.apply(plan)
    scratch = bench.store.folder("count", plan.node("a").key) / "scratch"
    (scratch / "deep").mkdir(parents=True)
    (scratch / "deep" / "checkpoint").write_text("3")
    assert bench.apply(plan) == []
    assert not scratch.exists()


def test_half_of_a_file_that_a_crash_left_is_removed_when_the_node_runs_again(bench: Bench) -> None:
    plan = bench.plan(bench.node("a"))
    folder = bench.store.folder("count", plan.node("a").key)
    folder.mkdir(parents=True)
    (folder / ".record.json.12345.part").write_text('{"node":')
    assert kinds(bench.apply(plan), events.Finished) == ["a"]
    assert list(folder.glob(".*")) == []


# Services


def test_service_whose_input_failed_is_not_started(bench: Bench) -> None:
    plan = bench.plan(bench.node("bad", fail=True), bench.node("s", "chat", inputs=["bad"]), bench.node("q", "ask", service="s"))
    happened = bench.apply(plan)
    assert kinds(happened, events.Started) == kinds(happened, events.Failed) == ["bad"]
    assert kinds(happened, events.Skipped) == ["q"]


def test_service_that_needs_a_service_comes_up_behind_it(bench: Bench) -> None:
    plan = bench.plan(bench.node("s", "chat"), bench.node("t", "chat", service="s"), bench.node("q", "ask", service="t"))
    happened = bench.apply(plan)
    assert kinds(happened, events.Ready) == ["s", "t"]
    assert kinds(happened, events.Finished) == ["q"]
    assert kinds(happened, events.Stopped) == ["t", "s"]


def test_service_that_dies_as_soon_as_it_is_ready_fails(bench: Bench) -> None:
    happened = bench.apply(bench.plan(bench.node("s", "brief"), bench.node("q", "count", service="s", gate=os.devnull)))
    assert kinds(happened, events.Failed) == ["s"] or kinds(happened, events.Finished) == ["q"]
    plan = bench.plan(bench.node("s", "brief"), bench.node("q", "stray", service="s", pid_file=str(bench.store.root / "pid")))
    happened = bench.apply(plan)  # q would wait for ever
    assert kinds(happened, events.Failed) == ["s"]
    assert "ended by itself with exit code 7" in message(happened)


def test_two_services_that_are_one_by_their_key_are_refused(bench: Bench) -> None:
    with pytest.raises(MachineError, match="s and t are the same service"):
        bench.plan(bench.node("s", "chat"), bench.node("t", "chat"))


# Stages that misbehave


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("forks", "the parent failed"),
        ("daemonizes", "ended with exit code 0"),
        ("closes its output", "said in vain"),
        ("leaves a link", "left `link`, which is a link or no file at all"),
        ("leaves a dangling link", "left `link`, which is a link or no file at all"),
        ("leaves a pipe", "left `pipe`, which is a link or no file at all"),
        ("leaves a socket", "left `listening`, which is a link or no file at all"),
        ("removes its result", "was removed or replaced"),
        ("replaces its result", "was removed or replaced"),
        ("exits", "ended with exit code 0"),
        ("is interrupted", "ended with exit code 130"),
        ("finds nothing", "did not measure it"),
        ("finds what it did not declare", "which it does not declare"),
        ("names a file in other bytes", "cannot read caf\\udce9"),
    ],
)
def test_stage_that_misbehaves_is_not_finished_and_says_why(bench: Bench, how: str, words: str) -> None:
    plan = bench.plan(bench.node("a", "odd", how=how))
    happened = bench.apply(plan)
    assert kinds(happened, events.Failed) == ["a"]
    assert words in message(happened)
    assert bench.store.record("odd", plan.node("a").key) is None
    assert processes.descendants(os.getpid()) == []


@pytest.mark.parametrize("how", ["leaves a thread", "makes noise", "finds nan", "writes unicode"])
def test_stage_that_is_odd_and_whole_is_finished(bench: Bench, how: str) -> None:
    plan = bench.plan(bench.node("a", "odd", how=how))
    assert kinds(bench.apply(plan), events.Finished) == ["a"]
    record = bench.store.record("odd", plan.node("a").key)
    assert record
    assert bench.store.damage(record) is None
    assert bench.apply(plan) == []


def test_nothing_to_run_is_no_error(bench: Bench) -> None:
    assert bench.apply(bench.plan()) == []
    assert bench.apply(bench.plan(bench.node("s", "chat"))) == []


def test_store_may_lie_anywhere(bench: Bench) -> None:
    bench.store.root = bench.store.root.parent / 'ein Platz, "für" $HOME 数据' / ("x" * 200) / ("y" * 200)
    plan = bench.plan(bench.node("s", "chat"), bench.node("q", "ask", service="s"))
    assert kinds(bench.apply(plan), events.Finished) == ["q"]


def test_lost_log_is_no_error(bench: Bench, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    plan = bench.plan(bench.node("a", gate=str(gate), steps=1, fail=True))
    happened = []
    for event in bench.events(plan):
        happened.append(event)
        if isinstance(event, events.Started):
            log = bench.store.folder("count", plan.node("a").key) / "log.txt"
            pid = os.fork()
            if pid == 0:
                until(log.exists)
                log.unlink()
                gate.write_text("go")
                os._exit(0)
    assert message(happened) == "asked to fail"
