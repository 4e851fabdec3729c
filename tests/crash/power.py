"""What a disk may hold after the power went: the operations of a run replayed, with only what was synced sure to be there.

A file's bytes are sure as of its last fsync, a name in a folder as of that folder's last fsync; nothing else is, as POSIX has it. What is
not sure is lost (`lost`), torn (`torn`: every name is there, and half of the bytes that were not synced), empty (`empty`: every name is
there, no byte that was not synced), or, for `mixed-SEED`, either of these, drawn for each folder and file.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WAYS = ("lost", "torn", "empty", "mixed-1", "mixed-2")


@dataclass(eq=False)
class File:
    """A file: the bytes that are sure, and those that a reader saw before the power went."""

    sure: bytes = b""
    seen: bytes = b""


@dataclass(eq=False)
class Folder:
    """A folder: the names as a reader sees them, and those that are sure."""

    now: dict[str, File | Folder] = field(default_factory=dict)
    sure: dict[str, File | Folder] = field(default_factory=dict)


class Disk:
    """The disk below the folder that holds a run's store, as its operations left it."""

    def __init__(self) -> None:
        self.root = Folder()

    def replay(self, steps: Sequence[Mapping[str, Any]], before: int, synced: Callable[[int], bytes]) -> None:
        """Do the operations whose numbers are below `before`. `synced` gives the bytes that the fsync of a number wrote."""
        for step in steps:
            if step["n"] < before:
                self._do(step, synced)

    def _do(self, step: Mapping[str, Any], synced: Callable[[int], bytes]) -> None:
        if step["path"] == ".":
            self.root.sure = dict(self.root.now)
            return
        parent, name = self._at(step["path"])
        match step["kind"]:
            case "open":
                parent.now.setdefault(name, File())
            case "mkdir":
                parent.now.setdefault(name, Folder())
            case "unlink" | "rmdir":
                parent.now.pop(name, None)
            case "rename":
                other, target = self._at(step["to"])
                other.now[target] = parent.now.pop(name)
            case "fsync":
                found = parent.now[name]
                if isinstance(found, Folder):
                    found.sure = dict(found.now)
                else:
                    found.sure = synced(step["n"])

    def _at(self, path: str) -> tuple[Folder, str]:
        *folders, name = path.split("/")
        at = self.root
        for folder in folders:
            below = at.now.setdefault(folder, Folder())
            assert isinstance(below, Folder), path
            at = below
        return at, name

    def promised(self) -> set[str]:
        """The nodes that were told to be finished: what stands in a journal was synced before."""
        runs = getattr(getattr(self.root.now.get("store"), "now", {}).get("runs"), "now", {})
        journals = [run.now["journal.jsonl"].sure for run in runs.values() if "journal.jsonl" in run.now]
        events = [json.loads(line) for journal in journals for line in journal.splitlines()]
        return {event["node"] for event in events if event["event"] == "finished"}

    def look(self, real: Path) -> None:
        """Take the bytes that a reader sees from the disk as it was when the power went."""
        _look(self.root, real)


def _look(folder: Folder, real: Path) -> None:
    for name, found in folder.now.items():
        if isinstance(found, Folder):
            _look(found, real / name)
        elif (real / name).is_file():
            found.seen = (real / name).read_bytes()


def write(folder: Folder, to: Path, way: str) -> None:
    """Write what is there after the power is back."""
    draw = random.Random(way)
    _write(folder, to, lambda: draw.choice(("lost", "torn", "empty")) if way.startswith("mixed") else way)


def _write(folder: Folder, to: Path, way: Callable[[], str]) -> None:
    to.mkdir(parents=True, exist_ok=True)
    for name, found in sorted((folder.sure if way() == "lost" else folder.now).items()):
        if isinstance(found, Folder):
            _write(found, to / name, way)
        else:
            (to / name).write_bytes(_survives(found, way()))


def _survives(file: File, way: str) -> bytes:
    if way == "lost" or file.seen == file.sure:
        return file.sure
    common = len(os.path.commonprefix([file.sure, file.seen]))  # noqa: RUF071 - of bytes, which are no paths
    return file.seen[:common] if way == "empty" else file.seen[: (common + len(file.seen)) // 2]
