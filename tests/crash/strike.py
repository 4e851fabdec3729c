"""Strikes a toy run at one operation, in one way, and tells which invariants did not hold."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.crash import power
from tests.crash.runs import Place, Result, Warm, after, half, kept, left, results, state, told

FAULTS = {
    "EIO": ("open", "write", "fsync", "rename", "unlink", "mkdir", "rmdir", "truncate", "lock"),
    "ENOSPC": ("open", "write", "fsync", "rename", "mkdir"),
    "EACCES": ("open", "rename", "unlink", "mkdir", "rmdir"),
    "EMFILE": ("open",),
}
"""What may fail in which way."""
KILLED = -9


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that did not hold: after which operation was struck in which way, and what was seen."""

    at: int
    how: str
    step: str
    words: str

    def __str__(self) -> str:
        return f"{self.how} at operation {self.at} ({self.step}): {self.words}"


@dataclass(slots=True)
class Harness:
    """A folder for its runs, the results of an undisturbed one, and the states after crashes that were looked at already."""

    warm: Warm
    folder: Path
    reference: Result = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    struck: int = 0
    resumed: int = 0
    _seen: set[object] = field(default_factory=set)

    def begin(self) -> None:
        """The undisturbed run: its results, and its operations."""
        code = self.warm.run(self.place, keep=True)
        assert code == 0, self.place.log.read_text()
        self.reference, self.kinds = results(self.place.store), [step["kind"] for step in self.place.steps()]

    @property
    def place(self) -> Place:
        """Where the undisturbed run happened."""
        return Place(self.folder / "reference")

    def faults(self, at: int) -> Iterator[str]:
        """In which ways operation `at` may fail."""
        yield from (how for how, kinds in FAULTS.items() if self.kinds[at - 1] in kinds)

    def kill(self, at: int, how: str) -> Iterator[Violation]:
        """Kill the process that asks for operation `at` (`kill`), or all at once (`tree`). What other crashes left just so is not
        resumed again."""
        place, code = self._run(at, how)
        step = self._step(place, at)
        # Who is told of a killed worker or keeper says so: a node failed. A node that was finished before its worker died did not.
        allowed = (KILLED,) if step.startswith("cli") or how == "tree" else (4, 0)
        found = [*told(place, code, allowed), *(f"processes are left: {alive}" for alive in left(place)[:1]), *half(place.store)]
        if (found_state := state(place)) not in self._seen:
            self._seen.add(found_state)
            self.resumed += 1
            found += after(self.warm, place, self.reference)
        yield from self._told(place, at, how, step, found)

    def fail(self, at: int, how: str, *, lasting: bool = False) -> Iterator[Violation]:
        """Have operation `at` fail, with what a full disk refuses from then on if it is `lasting`; then mend the disk."""
        place, code = self._run(at, how, lasting=lasting)
        step = self._step(place, at)
        found = [*told(place, code, (0, 3)), *(f"processes are left: {alive}" for alive in left(place)[:1])]
        if code == 0 and results(place.store) != self.reference:
            found.append("it ended well, with other results")
        if code == 3 and not place.log.read_text().strip():
            found.append("nothing was said")
        self.resumed += 1
        found += after(self.warm, place, self.reference)
        yield from self._told(place, at, f"lasting {how}" if lasting else how, step, found)

    def cut(self, at: int, ways: tuple[str, ...] = power.WAYS) -> Iterator[Violation]:
        """Cut the power before operation `at`."""
        place, code = self._run(at, "tree", keep=True)
        step = self._step(place, at)
        for way in ways if code == KILLED else ():
            disk = power.Disk()
            self._replay(disk, place, at)
            disk.look(place.folder)
            again = Place(place.folder / way)
            power.write(disk.root, again.folder, way)
            # What was promised is part of it: an empty disk is right at first, and wrong later.
            if (found_state := (frozenset(disk.promised()), state(again))) not in self._seen:
                self._seen.add(found_state)
                self.resumed += 1
                found = [f"{node} was told to be finished, and is not" for node in disk.promised() - kept(again.store).keys()]
                found += after(self.warm, again, self.reference)
                yield from self._told(again, at, f"power cut, {way}", step, found, keep=True)
        shutil.rmtree(place.folder)

    def cut_later(self, at: int) -> Iterator[Violation]:
        """Kill all before operation `at`, apply again, and cut the power when that has ended: what neither of the two synced is lost."""
        place, code = self._run(at, "tree", keep=True)
        step, disk = self._step(place, at), power.Disk()
        self._replay(disk, place, at)
        found = list(told(place, code, (KILLED,)))
        place.log.unlink(missing_ok=True)
        found += told(place, self.warm.run(place, keep=True), (0,))
        self._replay(disk, place, 1 + len(place.steps()))
        disk.look(place.folder)
        again = Place(place.folder / "again")
        power.write(disk.root, again.folder, "lost")
        assert disk.promised()
        found += [f"{node} was told to be finished, and is not" for node in disk.promised() - kept(again.store).keys()]
        found += after(self.warm, again, self.reference)
        yield from self._told(place, at, "killed, applied again, power cut", step, found)

    def made(self) -> dict[str, int]:
        """The operations that sync what a folder was made in, the first of each such place: before it, the new name was not synced."""
        steps = self.place.steps()
        synced = [after for step, after in pairwise(steps) if (step["kind"], after["kind"]) == ("mkdir", "fsync")]
        return {step["path"]: step["n"] for step in reversed(synced)}

    def _replay(self, disk: power.Disk, place: Place, before: int) -> None:
        disk.replay(place.steps(), before, lambda number: (place.orders / f"{number}.synced").read_bytes())

    def _run(self, at: int, how: str, **orders: object) -> tuple[Place, int]:
        self.struck += 1
        place = Place(self.folder / f"{self.struck}")
        return place, self.warm.run(place, at=at, how=how, **orders)

    def _step(self, place: Place, at: int) -> str:
        found = [step for step in place.steps() if step["n"] == at]
        return f"{found[0]['who']} {found[0]['kind']} {found[0]['path'][-50:]} by {found[0]['by']}" if found else "was not reached"

    def _told(self, place: Place, at: int, how: str, step: str, found: list[str], *, keep: bool = False) -> Iterator[Violation]:
        yield from (Violation(at, how, step, words) for words in found)
        if not keep:
            shutil.rmtree(place.folder)
