"""What of this user's ryot is running now on this machine, and what an older crash left. Reads /proc; changes nothing.

A node's work is below a keeper, whose arguments are the job and the mark; the work's processes carry the mark in their environment.
Where a mark has no keeper there is nobody who would end its processes: they are left over.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import psutil

from ryot.processes import AWAY, MARK

STORE = "RYOT_STORE"
_DRIVING = ("apply", "serve", "bench")
_ABOUT = ["pid", "ppid", "uids", "cmdline", "environ", "create_time", "memory_info", "status"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A process as it was when it was looked at: `began` in seconds since 1970, `memory` its resident bytes."""

    pid: int
    parent: int
    argv: tuple[str, ...]
    mark: str
    began: float
    memory: int
    store: str = ""
    """What RYOT_STORE names in its environment."""

    @property
    def job(self) -> tuple[Path, str] | None:
        """The job file and the mark that a keeper, or an agent on a further machine, was given; None for anything else."""
        module, given = self.argv[1:4], self.argv[4:]  # what reaches an agent ends in the agent's own words
        if (module, len(given)) in ((("-P", "-m", "ryot.keeper"), 3), (("-P", "-m", "ryot.agent"), 2)):
            return Path(given[0]), given[-1]
        return None

    @property
    def verb(self) -> str | None:
        """`apply` of `ryot apply`, however it was started; None for what carries out no plan."""
        words = zip(self.argv[:4], self.argv[1:5], strict=False)
        return next((verb for word, verb in words if Path(word).name in ("ryot", "ryot.cli.main") and verb in _DRIVING), None)


@dataclass(frozen=True, slots=True)
class Piece:
    """Something of ryot that is running: a driver (which has a `verb` and no node), a node's work, or what is left over of it.

    `mark` is that of a node's processes, `root` the store, `processes` all that belong to it, `memory` their resident bytes, `ports` those
    on which they listen.
    """

    run: str | None
    node: str | None
    mark: str
    root: Path | None
    pid: int
    processes: tuple[int, ...]
    began: float
    memory: int
    ports: tuple[int, ...]
    verb: str | None = None
    left_over: bool = False


def seen() -> list[Seen]:
    """Every living process of this user, but for this one."""
    found = []
    for process in psutil.process_iter(_ABOUT):
        about = process.info
        mine = about["uids"] is not None and about["uids"].real == os.getuid() and about["pid"] != os.getpid()
        if mine and about["status"] != psutil.STATUS_ZOMBIE:
            mark = (about["environ"] or {}).get(MARK, "")
            memory = about["memory_info"].rss if about["memory_info"] else 0
            store = (about["environ"] or {}).get(STORE, "")
            found.append(Seen(about["pid"], about["ppid"], tuple(about["cmdline"] or ()), mark, about["create_time"], memory, store))
    return found


def pieces(found: Iterable[Seen]) -> list[Piece]:
    """What is running: each driver, then the nodes that it runs; then what is left over."""
    by_pid = {process.pid: process for process in found}
    by_mark: dict[str, list[Seen]] = {}
    for process in by_pid.values():
        if process.mark:
            by_mark.setdefault(process.mark, []).append(process)
    keepers = {process.pid: job for process in by_pid.values() if (job := process.job)}
    nodes = [_node(by_pid[pid], by_mark.get(mark, []), job, mark) for pid, (job, mark) in keepers.items()]
    kept = {mark for _, mark in keepers.values()}
    driven = {by_pid[pid].parent: piece for pid, piece in zip(keepers, nodes, strict=True)}
    driving = [_driver(process, driven.get(process.pid)) for process in by_pid.values() if process.verb]
    left = [replace(_of(None, None, mark, None, members), left_over=True) for mark, members in by_mark.items() if mark not in kept]
    return [
        *sorted([*driving, *nodes], key=lambda piece: (piece.run or "", piece.node or "")),
        *sorted(left, key=lambda piece: piece.began),
    ]


def _node(keeper: Seen, members: list[Seen], job: Path, mark: str) -> Piece:
    run = job.parent.parent
    return _of(run.name, job.stem, mark, run.parent.parent, [*sorted(members, key=lambda process: process.began), keeper])


def _driver(process: Seen, drives: Piece | None) -> Piece:
    """A driver. One that runs no node at the moment tells its store by its command line alone."""
    run, root = (drives.run, drives.root) if drives else (None, _store_of(process))
    return replace(_of(run, None, "", root, [process]), verb=process.verb)


def _store_of(process: Seen) -> Path | None:
    named = [word.removeprefix("--store=") for word in process.argv if word.startswith("--store=")]
    named += [after for word, after in pairwise(process.argv) if word == "--store"]
    try:
        return Path(psutil.Process(process.pid).cwd(), (named or [process.store or ".ryot"])[-1])
    except psutil.Error:
        return None


def _of(run: str | None, node: str | None, mark: str, root: Path | None, members: list[Seen]) -> Piece:
    """A piece; its pid and age are those of the first member."""
    return Piece(
        run=run,
        node=node,
        mark=mark,
        root=root,
        pid=members[0].pid,
        processes=tuple(process.pid for process in members),
        began=members[0].began,
        memory=sum(process.memory for process in members),
        ports=tuple(sorted({port for process in members for port in _ports(process.pid)})),
    )


def _ports(pid: int) -> Iterator[int]:
    try:
        connections = psutil.Process(pid).net_connections(kind="inet")
    except psutil.Error:
        return
    yield from (connection.laddr.port for connection in connections if connection.status == psutil.CONN_LISTEN)


def named(pieces: Iterable[Piece], marks: Mapping[str, str], root: Path) -> Iterator[Piece]:
    """The pieces, with the node's name where what is left over is of a store's node; `marks` has these by what their marks begin with."""
    for piece in pieces:
        node = marks.get(piece.mark.partition(".")[0].removesuffix(AWAY)) if piece.left_over else None
        yield replace(piece, node=node, root=root) if node else piece
