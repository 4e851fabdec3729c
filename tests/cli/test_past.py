"""`ryot status`, `ryot logs` and `ryot report` on a run made by hand: what the journal and the store say is what is shown."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ryot.cli.main import run
from ryot.engine.jobs import events_file
from ryot.plan.plan import Plan
from ryot.store.journal import Journal, Run, begin
from tests.conftest import Bench
from tests.store.finish import NOW, finish_node


@dataclass
class Made:
    """A run made by hand, in the store of `bench`: a, b after a, a service s, and c which talks to it."""

    bench: Bench
    plan: Plan
    run: Run

    def folder(self, name: str) -> Path:
        node = self.plan.node(name)
        return self.bench.store.folder(node.stage, node.key)

    def journal(self, *events: Mapping[str, Any]) -> None:
        journal = Journal(self.run.folder)
        for event in events:
            journal.write(event)

    def log(self, name: str, text: str) -> Path:
        path = self.folder(name) / "log.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    @property
    def store(self) -> list[str]:
        return ["--store", str(self.bench.store.root)]


@pytest.fixture
def made(bench: Bench) -> Made:
    nodes = [bench.node("a"), bench.node("b", inputs=["a"], words="b"), bench.node("s", "chat"), bench.node("c", "ask", service="s")]
    plan = bench.plan(*nodes)
    return Made(bench, plan, begin(bench.store.runs, "toy", NOW, "", plan.model_dump_json()))


def states(capsys: pytest.CaptureFixture[str], made: Made, *arguments: str) -> tuple[str, dict[str, tuple[str, str]]]:
    assert run(["status", "--json", *made.store, *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    return found["state"], {node["name"]: (node["state"], node["detail"]) for node in found["nodes"]}


def test_run_under_way_is_shown_as_its_journal_tells(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    finish_node(made.bench.store.root, made.plan.node("a").payload)
    made.journal(
        {"event": "began", "pid": os.getpid(), "host": "here"},
        {"event": "started", "node": "b", "service": False},
        {"event": "started", "node": "s", "service": True},
        {"event": "ready", "node": "s", "url": "http://127.0.0.1:1", "seconds": 1},
    )
    file = events_file(made.run, "b")
    file.parent.mkdir(parents=True, exist_ok=True)
    progress = {"event": "progress", "done": 2, "total": 3, "unit": "step", "numbers": {"loss": 0.51234}}
    file.write_text(json.dumps(progress) + "\n" + '{"event": "progr')
    state, nodes = states(capsys, made)
    assert state == f"running (pid {os.getpid()} on here)"
    assert nodes == {
        "a": ("finished", "before this run"), "b": ("running", "2/3 step  loss 0.512"), "s": ("up", "http://127.0.0.1:1"),
        "c": ("waiting", ""),
    }  # fmt: skip


def test_run_that_ended_is_shown_with_its_failures(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    made.journal(
        {"event": "began", "pid": 1, "host": "here"},
        {"event": "finished", "node": "a", "seconds": 61.2},
        {"event": "failed", "node": "s", "message": "no \x1b[31m luck"},
        {"event": "skipped", "node": "c", "because": "s"},
        {"event": "ended", "failed": True},
    )
    state, nodes = states(capsys, made)
    assert state == "ended: s failed"
    assert nodes["a"] == ("finished", "in 1 min 01 s")
    assert nodes["s"] == ("failed", "no \x1b[31m luck")
    assert nodes["c"] == ("skipped", "it needs s")
    assert run(["status", *made.store]) == 0
    said = capsys.readouterr().out
    assert "\x1b[31m" not in said
    assert "no ·[31m luck" in said


@pytest.mark.parametrize(("last", "state"), [([{"event": "interrupted", "by": "Interrupted"}], "interrupted"), ([], "died")])
def test_run_whose_process_is_gone(made: Made, capsys: pytest.CaptureFixture[str], last: list[dict[str, str]], state: str) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    made.journal({"event": "began", "pid": gone.pid, "host": "here"}, *last)
    assert states(capsys, made)[0] == state


def test_run_is_chosen_by_its_id_and_is_the_last_one_by_default(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    later = begin(made.bench.store.runs, "toy", NOW + timedelta(seconds=9), "", made.plan.model_dump_json())
    assert run(["status", "--json", *made.store]) == 0
    assert json.loads(capsys.readouterr().out)["run"] == later.id
    assert run(["status", "--json", *made.store, "--run", made.run.id]) == 0
    assert json.loads(capsys.readouterr().out)["run"] == made.run.id


@pytest.mark.parametrize("arguments", [["status"], ["status", "--run", "x"], ["logs", "a"], ["report"], ["check"]])
def test_no_run_is_exit_2(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*arguments, "--store", str(tmp_path / "none")]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_log_is_shown_without_its_control_characters(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    made.log("a", "one\n\ttwo\x1b[2J\nthree ü\n")
    assert run(["logs", "a", *made.store]) == 0
    assert capsys.readouterr().out == "one\n    two·[2J\nthree ü\n"


def test_last_lines_of_a_log(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    made.log("a", "".join(f"{number}\n" for number in range(50)))
    assert run(["logs", "a", "-n", "2", *made.store]) == 0
    assert capsys.readouterr().out == "48\n49\n"


def test_node_that_has_no_log_or_is_not_there_is_exit_2(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["logs", "a", *made.store]) == 2
    assert "a has no log yet" in capsys.readouterr().err
    assert run(["logs", "zzz", *made.store]) == 2
    assert "there are: a, b, c, s" in capsys.readouterr().err


def followed(made: Made, do: Callable[[Path], None]) -> str:
    """What `logs -f` prints while something happens to the node."""
    path = made.log("a", "first\n")
    argv = [sys.executable, "-m", "ryot.cli.main", "logs", "a", "-f", *made.store]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    first = child.stdout.readline()
    threading.Timer(0.3, do, [path]).start()
    rest = child.stdout.read()
    assert child.wait(20) == 0
    child.stdout.close()
    return first + rest


def test_followed_log_ends_with_its_node(made: Made) -> None:
    def finish(path: Path) -> None:
        with path.open("a") as file:
            file.write("second\n")
        finish_node(made.bench.store.root, made.plan.node("a").payload)

    assert followed(made, finish) == "first\nsecond\n"


def test_followed_log_ends_when_its_node_fails(made: Made) -> None:
    def fail(path: Path) -> None:
        with path.open("a") as file:
            file.write("second\n")
        (path.parent / "failure.json").write_text("{}")

    assert followed(made, fail) == "first\nsecond\n"


def test_follower_that_is_interrupted_ends_with_130(made: Made) -> None:
    made.log("a", "first\n")
    argv = [sys.executable, "-m", "ryot.cli.main", "logs", "a", "-f", *made.store]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    assert child.wait(10) == 130
    child.stdout.close()
