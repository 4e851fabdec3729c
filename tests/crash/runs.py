"""A toy run that the crash tests disturb, and what must hold whatever was done to it: the invariants, and nothing else."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ryot.store.journal import all_runs
from ryot.store.record import Record
from ryot.store.store import RECORD, Store

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
MARK = "RYOT_CRASH_RUN"
GONE_WITHIN_S = 10.0
"""So long the last process of a run may take to end; a machine may be busy."""
ARGV = ("apply", str(HERE / "toy" / "spec.yaml"), "--plugins", str(HERE / "toy"), "--until", "export")


@dataclass(frozen=True, slots=True)
class Place:
    """Where one run happens: its store, its runtime folder, its orders, and what it prints."""

    folder: Path

    @property
    def store(self) -> Store:
        return Store(self.folder / "store")

    @property
    def orders(self) -> Path:
        return self.folder / "crash"

    @property
    def log(self) -> Path:
        return self.folder / "said.txt"

    def steps(self) -> list[dict[str, Any]]:
        """What was asked of the disk, in order."""
        path = self.orders / "log.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class Warm:
    """A command line that has everything imported, and forks for each run."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(HERE / "site"), str(ROOT)])
        argv = [sys.executable, "-m", "tests.crash.warm"]
        environ = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"} | {"PYTHONPATH": path}
        self._process = subprocess.Popen(argv, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, place: Place, argv: tuple[str, ...] = ARGV, **orders: object) -> int:
        """One apply, from start to end. Returns its exit code, negative where a signal ended it."""
        self.start(place, argv, **orders)
        return self.wait()

    def start(self, place: Place, argv: tuple[str, ...] = ARGV, **orders: object) -> int:
        """Begin an apply. Returns the process's number."""
        shutil.rmtree(place.orders, ignore_errors=True)
        runtime = place.folder / "runtime"
        for folder in (runtime, place.orders):
            folder.mkdir(parents=True, exist_ok=True)
        (place.orders / "orders.json").write_text(json.dumps({"roots": [str(place.store.root), str(runtime)], **orders}))
        environ = {"RYOT_CRASH": str(place.orders), MARK: str(place.folder), "RYOT_RUNTIME_DIR": str(runtime)}
        argv = (*argv, "--store", str(place.store.root))
        return int(self._ask({"crash": str(place.orders), "argv": argv, "log": str(place.log), "environ": environ}))

    def wait(self) -> int:
        """Wait for the end of the apply."""
        return int(self._ask(None))

    def _ask(self, order: object) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(order) if order else ''}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()

    def close(self) -> None:
        """End it."""
        self._process.communicate("")


Result = Mapping[str, tuple[object, ...]]


def results(store: Store) -> Result:
    """What a run leaves that another one of the same spec must leave too: keys, digests of files, evidence."""
    return {
        record.node: (record.key, tuple(sorted((n, d.sha256) for n, d in record.files.items())), record.evidence)
        for record in store.records()
    }


def kept(store: Store) -> dict[str, bytes]:
    """The records that are there, to the byte: they say when a node was finished."""
    return {record.node: (store.folder(record.stage, record.key) / RECORD).read_bytes() for record in store.records()}


def left(place: Place) -> list[psutil.Process]:
    """The processes of a run that do not end, waited for."""
    deadline = time.monotonic() + GONE_WITHIN_S
    while (alive := list(_alive(place))) and (rest_s := deadline - time.monotonic()) > 0:
        _until_one_ends(alive, rest_s)
    return alive


def _until_one_ends(processes: Sequence[psutil.Process], timeout_s: float) -> None:
    """Wait until the kernel says that one of these has ended."""
    watch = select.poll()
    with ExitStack() as held:
        for process in processes:
            try:
                handle = os.pidfd_open(process.pid)
            except ProcessLookupError:
                return
            held.callback(os.close, handle)
            watch.register(handle, select.POLLIN)
        watch.poll(timeout_s * 1000)


def _alive(place: Place) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(place.folder) and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except psutil.Error:
            continue


def half(store: Store) -> Iterator[str]:
    """What is taken for whole and is not: a record whose files are not as it says, an event of an end without its record."""
    records: dict[str, Record] = {record.node: record for record in store.records()}
    for node, record in records.items():
        if damage := store.damage(record):
            yield f"{node} counts as finished, and {damage}"
    for run in all_runs(store.runs):
        for event in run.events():
            if event["event"] == "finished" and event["node"] not in records:
                yield f"{event['node']} was told to be finished, and is not"


def told(place: Place, code: int, allowed: tuple[int, ...]) -> Iterator[str]:
    """What is wrong with how a run ended, and with what it printed."""
    said = place.log.read_text(errors="replace") if place.log.exists() else ""
    if code not in allowed:
        yield f"exit code {code}, allowed are {allowed}: {said[-300:]!r}"
    for word in ("Traceback", "bug in ryot"):
        if word in said:
            yield f"{word!r} was printed: {said[said.index(word) - 200 : said.index(word) + 1500]!r}"


def after(warm: Warm, place: Place, reference: Result, argv: tuple[str, ...] = ARGV) -> Iterator[str]:
    """What is wrong with the next apply, and with what is there before and after it."""
    before = kept(place.store)
    yield from half(place.store)
    place.log.unlink(missing_ok=True)
    code = warm.run(place, argv)
    yield from (f"the next apply: {words}" for words in told(place, code, (0,)))
    found = results(place.store)
    if found != reference:
        yield f"the next apply left {found}, an undisturbed run {reference}"
    now = kept(place.store)
    yield from (f"{node} was finished and ran again" for node in before if now.get(node) != before[node])
    if alive := left(place):
        yield f"processes are left: {alive}"
    yield from (f"litter: {path}" for path in litter(place.store))


def litter(store: Store) -> Iterator[str]:
    """What crashes left lying about for good: halves of files, scratch folders of finished nodes."""
    for path in (store.root / "store").rglob("*"):
        if path.name.endswith(".part") or (path.name == "scratch" and (path.parent / RECORD).exists()):
            yield str(path.relative_to(store.root))


def state(place: Place) -> tuple[tuple[str, int], ...]:
    """What a crash left, as names and sizes, whatever the run's own name and the numbers of its processes were."""
    runs = {run.name: f"run-{number}" for number, run in enumerate(sorted(place.store.runs.glob("*")))}
    found = []
    for path in place.store.root.rglob("*"):
        parts = [runs.get(part, part) for part in path.relative_to(place.store.root).parts]
        if path.name.endswith(".part"):
            parts[-1] = parts[-1].rsplit(".", 2)[0]
        found.append(("/".join(parts), path.stat().st_size if path.is_file() and path.name != "lock" else -1))
    return tuple(sorted(found))
