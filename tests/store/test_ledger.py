"""The ledger: only added to, each entry once, whatever ends the process that adds to it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ryot.store.ledger import LEDGER, append, look, read
from tests.store import write_ledger as program
from tests.store.write_ledger import entry

WRITE = str(program.__file__)


def start(root: Path, name: str, count: int, each: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, WRITE, str(root), name, str(count), str(each)], stdout=subprocess.PIPE)


def test_entries_come_back_in_order(tmp_path: Path) -> None:
    assert append(tmp_path, [entry("b"), entry("a")]) == 2
    assert append(tmp_path, [entry("a", "memory")]) == 1
    assert read(tmp_path) == (entry("b"), entry("a"), entry("a", "memory"))


def test_no_ledger_is_an_empty_one_and_nothing_is_created(tmp_path: Path) -> None:
    assert read(tmp_path / "store") == ()
    assert append(tmp_path / "store", []) == 0
    assert not (tmp_path / "store").exists()


def test_same_key_and_measure_is_added_once(tmp_path: Path) -> None:
    assert append(tmp_path, [entry("a"), entry("a", run="later")]) == 1
    assert append(tmp_path, [entry("a", measured=99.0)]) == 0
    assert read(tmp_path) == (entry("a"),)


def test_what_stands_is_never_touched(tmp_path: Path) -> None:
    append(tmp_path, [entry("a")])
    before = (tmp_path / LEDGER).read_bytes()
    append(tmp_path, [entry("a"), entry("b")])
    assert (tmp_path / LEDGER).read_bytes().startswith(before)


@pytest.mark.parametrize("left", [1, 20, -1])
def test_line_cut_short_is_passed_over_and_named(tmp_path: Path, left: int) -> None:
    append(tmp_path, [entry("a")])
    append(tmp_path, [entry("b")])
    path = tmp_path / LEDGER
    first, second, _ = path.read_bytes().split(b"\n")
    path.write_bytes(first + b"\n" + (second[:left]))
    assert read(tmp_path) == (entry("a"),)
    assert append(tmp_path, [entry("b"), entry("c")]) == 2
    found = look(tmp_path)
    assert (found.entries, found.broken) == ((entry("a"), entry("b"), entry("c")), (2,))


def test_entry_that_lost_only_its_end_of_line_counts(tmp_path: Path) -> None:
    append(tmp_path, [entry("a")])
    path = tmp_path / LEDGER
    path.write_bytes(path.read_bytes()[:-1])
    append(tmp_path, [entry("a"), entry("b")])
    assert (look(tmp_path).entries, look(tmp_path).broken) == ((entry("a"), entry("b")), ())


@pytest.mark.parametrize("line", [b"{}", b"\xff\xfe", b"[" * 100_000, b"null", b'{"at": 1}'])
def test_strange_line_hides_no_entry(tmp_path: Path, line: bytes) -> None:
    (tmp_path / LEDGER).write_bytes(line + b"\n")
    append(tmp_path, [entry("a")])
    assert (look(tmp_path).entries, look(tmp_path).broken) == ((entry("a"),), (1,))


def test_two_processes_at_once_lose_and_repeat_nothing(tmp_path: Path) -> None:
    writers = [start(tmp_path, name, 40, 2) for name in ("x", "y", "x")]  # two of them add the same
    assert [writer.wait() for writer in writers if writer.communicate()] == [0, 0, 0]
    keys = [item.key for item in read(tmp_path)]
    assert sorted(keys) == sorted(f"{name}{number}" for name in "xy" for number in range(40))
    assert look(tmp_path).broken == ()


@pytest.mark.parametrize("lines", [1, 3, 7])
def test_killed_process_leaves_what_it_told_and_the_next_goes_on(tmp_path: Path, lines: int) -> None:
    writer = start(tmp_path, "x", 1000, 1)
    assert writer.stdout
    told = [int(writer.stdout.readline()) for _ in range(lines)]
    writer.kill()
    writer.communicate()
    assert {f"x{number}" for number in told} <= {item.key for item in read(tmp_path)}
    append(tmp_path, [entry("x0"), entry("after")])
    assert [item.key for item in read(tmp_path)].count("x0") == 1
    assert read(tmp_path)[-1].key == "after"


def test_infinite_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        entry("a", measured=float("inf"))
