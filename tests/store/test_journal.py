"""What happened, line by line: on disk before it is told, readable after any crash, and in the order in which it happened."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ryot.store.journal import Journal, Run, all_runs, begin

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WRITER = """
import sys
from pathlib import Path
from ryot.store.journal import Journal
journal = Journal(Path(sys.argv[1]))
for number in range(10**9):
    journal.write({"event": "progress", "number": number, "padding": "x" * 5000})
    print(number, flush=True)
"""


def start(runs: Path, name: str, after_s: float = 0) -> Run:
    return begin(runs, name, NOON + timedelta(seconds=after_s), "version: 1\n", "{}")


def test_events_come_back_in_order_with_their_time(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run")
    for number in range(3):
        journal.write({"event": "started", "node": f"n{number}"})
    events = list(Run("run", tmp_path / "run").events())
    assert [event["node"] for event in events] == ["n0", "n1", "n2"]
    assert all(datetime.fromisoformat(event["at"]).utcoffset() == timedelta(0) for event in events)


def test_what_was_told_is_on_disk_after_kill_9(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    told = [int(child.stdout.readline()) for _ in range(20)][-1]
    child.kill()
    told = max([told, *map(int, child.stdout.read().split())])
    child.wait()
    numbers = [event["number"] for event in Run("run", tmp_path).events()]
    assert numbers[: told + 1] == list(range(told + 1))
    assert len(numbers) <= told + 2


@pytest.mark.parametrize("tail", [b'{"event": "fini', b"\xff\xfe\x00", b"null\n", b"[1]\n", b"\n\n", b"{}"])
def test_line_that_a_crash_cut_short_is_passed_over(tmp_path: Path, tail: bytes) -> None:
    journal = Journal(tmp_path)
    journal.write({"event": "started"})
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(tail)
    assert [event.get("event") for event in Run("run", tmp_path).events()][:1] == ["started"]
    assert all(isinstance(event, dict) for event in Run("run", tmp_path).events())


def test_run_without_a_journal_has_no_events(tmp_path: Path) -> None:
    assert list(Run("run", tmp_path).events()) == []


def test_runs_are_listed_oldest_first(tmp_path: Path) -> None:
    ids = [start(tmp_path, name, after).id for name, after in (("b", 0), ("a", 5), ("c", 60), ("a", 86400))]
    assert [run.id for run in all_runs(tmp_path)] == ids


def test_runs_of_one_second_are_listed_in_the_order_they_began(tmp_path: Path) -> None:
    ids = [start(tmp_path, name).id for name in "zyxzyxzyx"]
    assert [run.id for run in all_runs(tmp_path)] == ids


def test_runs_of_one_spec_are_told_apart_from_those_with_a_longer_name(tmp_path: Path) -> None:
    own = [start(tmp_path, "tiny").id, start(tmp_path, "tiny", 1).id]
    start(tmp_path, "tiny-2")
    start(tmp_path, "a-tiny")
    assert [run.id for run in all_runs(tmp_path, "tiny")] == own
    assert len(all_runs(tmp_path, "tiny-2")) == 1


def test_folder_without_a_plan_is_no_run(tmp_path: Path) -> None:
    run = start(tmp_path, "tiny")
    (tmp_path / "20260101-120000-tiny-ffff").mkdir()
    (tmp_path / "litter").write_text("")
    assert [found.id for found in all_runs(tmp_path)] == [run.id]
    assert (run.spec.read_text(), run.plan.read_text()) == ("version: 1\n", "{}")


def test_no_runs_where_there_is_no_folder(tmp_path: Path) -> None:
    assert all_runs(tmp_path / "none") == []


def test_run_after_a_clock_was_set_back_is_the_last_one(tmp_path: Path) -> None:
    runs = [start(tmp_path, "tiny", seconds).id for seconds in (86_400, 0, 1, 86_399.5, 90_000)]
    assert [run.id for run in all_runs(tmp_path)] == runs
