"""What is left over in a store, and how it is cleared: processes that nobody would end, results that were set aside, half-written files,
what nodes that are not finished have made, and, where it is asked for, results that nothing uses.

Whatever could be in use is looked at again under the lock by which it would be used: a node's own, which its keeper holds. What only an
apply knows that it will need (the scratch of a node that has not begun, a result that it read of) is left while one is running.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from ryot import files, processes
from ryot.check.looks import ALONE
from ryot.engine.jobs import mark_of
from ryot.engine.present import Piece
from ryot.errors import NodeError
from ryot.machine import writer_of
from ryot.store.job import JOB, JobFile
from ryot.store.looks import keep_trace
from ryot.store.store import FETCHED, RECORD, Store

Kind = Literal["process", "damaged", "part", "unfinished", "unused"]
_ASIDE = re.compile(r"\.(damaged|cleared)-\d+$")
_UNFINISHED = ("scratch", "out", FETCHED)


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing to clear: `what` it is in words, its `size` in bytes (of processes: resident), the node's folder, or the file. `mark` is
    what the marks of processes begin with."""

    kind: Kind
    what: str
    size: int
    path: Path
    mark: str = ""

    @property
    def of_a_run(self) -> bool:
        """Whether an apply that is running may need it though it holds no lock on it."""
        return self.kind in ("unfinished", "unused")


def marks(store: Store) -> dict[str, str]:
    """By what the marks of a store's nodes begin with, their names."""
    return {mark_of(store, folder.parent.name, folder.name): name_of(folder) for folder in _folders(store)}


def name_of(folder: Path) -> str:
    """The name of the node that a folder is of; its stage where that was never written."""
    job = _job(folder)
    return job.node if job else folder.parent.name


def _job(folder: Path) -> JobFile | None:
    try:
        return JobFile.model_validate_json((folder / JOB).read_bytes())
    except (OSError, ValidationError):
        return None


def find(store: Store, present: Collection[Piece], *, scratch: bool = True, used: Collection[str] | None = None) -> Iterator[Leftover]:
    """Everything that is left over in a store. `present` is what is running; with `scratch` off, what unfinished nodes made is no
    leftover; `used` are the keys of the results that are to be kept, all where it is None."""
    yield from _processes(store, present)
    for folder in sorted((store.root / "store").glob("*/*")):
        if not folder.is_dir():
            continue
        if _ASIDE.search(folder.name):
            yield Leftover("damaged", f"a result of {name_of(folder)} that was set aside", size_of(folder), folder)
        elif not (folder / RECORD).exists():
            size = sum(size_of(folder / name) for name in _UNFINISHED)
            if size and scratch:
                yield Leftover("unfinished", _made(folder), size, folder)
        elif used is not None and folder.name not in used:
            yield Leftover("unused", f"the result of {name_of(folder)}", size_of(folder), folder)
    yield from _parts(store)


def _made(folder: Path) -> str:
    job = _job(folder)
    goes_on = "" if job is not None and job.is_service else ": `ryot apply` would go on from it"
    return f"what {name_of(folder)} has made{goes_on}"


def _folders(store: Store) -> Iterator[Path]:
    return (folder for folder in (store.root / "store").glob("*/*") if folder.is_dir() and not _ASIDE.search(folder.name))


def _processes(store: Store, present: Collection[Piece]) -> Iterator[Leftover]:
    left = [piece for piece in present if piece.left_over]
    if not left:
        return
    folders = {mark_of(store, folder.parent.name, folder.name): folder for folder in _folders(store)}
    for piece in left:
        begins = piece.mark.partition(".")[0]
        if folder := folders.get(begins.removesuffix(processes.AWAY)):
            pids = ", ".join(map(str, piece.processes))
            yield Leftover("process", f"processes of {name_of(folder)}: {pids}", piece.memory, folder, begins)


def _parts(store: Store) -> Iterator[Leftover]:
    """Files that were being written beside what they were to replace, by processes of this machine that are gone. What another one
    writes is left: whether it does so still cannot be seen here."""
    for root, folders, names in os.walk(store.root):
        folders[:] = [name for name in folders if name not in _UNFINISHED and not _ASIDE.search(name)]
        for name in names:
            writer = writer_of(name)
            if writer and writer.here and not (writer.now and processes.birth(writer.pid)):
                path = Path(root, name)
                with suppress(FileNotFoundError):
                    yield Leftover("part", "a file that was never whole", path.stat().st_size, path)


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder, links not followed."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(root, name).lstat().st_size
    return total


def clear(leftover: Leftover) -> str | None:
    """Clear one thing, under its node's lock. Returns why it was left, or None. Raises OSError for what the system refuses."""
    try:
        match leftover.kind:
            case "damaged":
                _keep_trace(leftover.path)
                files.remove_tree(leftover.path)
            case "part":
                files.remove(leftover.path)
            case _:
                return _under_lock(leftover)
    except NodeError as error:
        return error.message
    return None


def _keep_trace(folder: Path) -> None:
    """Where the result of a node that is about to be cleared may hold samples of which further rounds can be promised, the store has to
    know that they were taken. Raises NodeError where what was promised of them cannot be read."""
    job = _job(folder)
    if job is None or any(not measure.fixed and measure.kind not in ALONE for measure in job.measures):
        keep_trace(Store(folder.parent.parent.parent), folder.parent.name, _ASIDE.sub("", folder.name))


def clearing() -> str:
    """Who holds a lock to clear something, for those who wait."""
    return f"{files.whoami()} clears what is left over"


def elsewhere(store: Store) -> Iterator[str]:
    """The nodes that another machine is working on, in words: their locks are held, and by nobody here."""
    for folder in _folders(store):
        lock = files.Lock(folder / "lock")
        if not lock.path.exists() or (holder := lock.holder()).endswith(f" on {socket.gethostname()}"):
            continue
        if lock.acquire(wait=False, note=clearing()):
            lock.release()
        else:
            yield f"{name_of(folder)} ({holder})"


def _under_lock(leftover: Leftover) -> str | None:
    lock = files.Lock(leftover.path / "lock")
    if not lock.acquire(wait=False, note=clearing()):
        return f"it is in use: {lock.holder()}"
    try:
        if leftover.kind == "process":
            alive = processes.end(processes.marked(leftover.mark))
            return f"still alive: {', '.join(str(process.pid) for process in alive)}" if alive else None
        finished = (leftover.path / RECORD).exists()
        if finished != (leftover.kind == "unused"):
            return "it was finished, or set aside, meanwhile"
        if finished:
            _remove(leftover.path)
        else:
            for name in _UNFINISHED:
                files.remove_tree(leftover.path / name)
    finally:
        lock.release()
    return None


def _remove(folder: Path) -> None:
    """Remove a finished node. Its folder gets another name first: from then on its key has no result, whatever happens to the rest."""
    _keep_trace(folder)
    gone = next(path for number in range(1, 1 << 20) if not (path := folder.with_name(f"{folder.name}.cleared-{number}")).exists())
    files.rename_durable(folder, gone)
    files.remove_tree(gone)
