"""Crash safety of a whole run, by invariants alone: killed at every operation on the disk, refused any of them, cut off from power, and
killed at random. What must hold stands in runs.py; benchmarks/crash.py does the same at full size."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.crash import power
from tests.crash.random_kill import Wild
from tests.crash.runs import Place, Warm, half
from tests.crash.strike import Harness

pytestmark = pytest.mark.heavy
PARTS = 8


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    warm = Warm()
    yield warm
    warm.close()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """In memory where there is such a disk: what is synced is told by the operations, not by the disk."""
    memory = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="ryot-crash-", dir=memory if memory.is_dir() else None))
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def harness(warm: Warm, folder: Path) -> Harness:
    harness = Harness(warm, folder / "struck")
    harness.begin()
    return harness


Strike = Callable[[Harness, int], Iterable[object]]


def struck(harness: Harness, strike: Strike, begin: int, step: int) -> list[str]:
    """The violations when every `step`-th operation from `begin` is struck."""
    return [str(violation) for at in range(begin, len(harness.kinds) + 1, step) for violation in strike(harness, at)]


@pytest.mark.parametrize("part", range(PARTS))
def test_process_killed_at_any_operation_loses_nothing(harness: Harness, part: int) -> None:
    """Neighbours together, as they often leave the same behind."""
    count = len(harness.kinds)
    assert count > 150
    operations = range(1 + part * count // PARTS, 1 + (part + 1) * count // PARTS)
    assert [str(violation) for at in operations for violation in harness.kill(at, "kill")] == []


def test_all_processes_killed_at_once_lose_nothing(harness: Harness) -> None:
    assert struck(harness, lambda harness, at: harness.kill(at, "tree"), 4, 41) == []


@pytest.mark.parametrize(("how", "begin"), [("EIO", 1), ("ENOSPC", 5), ("EACCES", 8), ("EMFILE", 11)])
def test_operation_that_fails_is_the_machines_fault_and_loses_nothing(harness: Harness, how: str, begin: int) -> None:
    def fail(harness: Harness, at: int) -> Iterable[object]:
        return harness.fail(at, how) if how in harness.faults(at) else ()

    assert struck(harness, fail, begin, 47) == []


def test_disk_that_stays_full_until_the_next_apply_loses_nothing(harness: Harness) -> None:
    assert struck(harness, lambda harness, at: harness.fail(at, "ENOSPC", lasting=True), 13, 71) == []


def test_power_cut_loses_no_node_that_was_told_to_be_finished(harness: Harness) -> None:
    assert struck(harness, lambda harness, at: harness.cut(at, power.WAYS[:3]), 19, 61) == []


def test_folder_that_was_made_and_not_synced_before_a_kill_is_synced_by_what_is_finished_in_it(harness: Harness) -> None:
    """The root, a stage's folder, and a node's: each was made by the run that was killed, and only found by the next."""
    made = harness.made()
    struck = [made[place] for place in (".", "store/store", "store/store/learn")]
    assert [str(violation) for at in struck for violation in harness.cut_later(at)] == []


def test_kill_9_of_any_process_leaves_no_process_and_loses_nothing(warm: Warm, folder: Path) -> None:
    wild = Wild(warm, folder / "wild")
    wild.begin()
    assert [words for number in range(8) for words in wild.kill(f"suite-{number}")] == []
    assert len(set(wild.victims)) >= 3


# What shows that the harness can fail


def test_every_durable_operation_passes_the_door(harness: Harness) -> None:
    """Past ryot/files.py go only logs and what a job tells of its progress, neither of which is relied upon."""
    steps = harness.place.steps()
    past = {(step["by"].split(":")[0], step["kind"]) for step in steps if not step["by"].startswith("ryot/files.py")}
    logs = {("backends/local.py", "open"), ("ryot/keeper.py", "open"), ("ryot/keeper.py", "write"), ("plugins/context.py", "write")}
    assert past <= logs
    assert {step["who"] for step in steps} == {"cli", "keeper", "worker"}


def test_store_that_lost_a_finished_node_is_a_violation(harness: Harness, folder: Path) -> None:
    shutil.copytree(harness.place.folder, folder / "lost")
    store = Place(folder / "lost").store
    assert list(half(store)) == []
    record = next(iter(store.records()))
    (store.folder(record.stage, record.key) / "record.json").unlink()
    assert list(half(store)) == [f"{record.node} was told to be finished, and is not"]
