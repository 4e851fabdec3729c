"""Kills a random process of a run with a service and children that will not end, at a random moment, and applies again."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.crash.runs import HERE, MARK, Place, Result, Warm, after, half, left, results, told

ARGV = ("apply", str(HERE / "toy" / "tree.yaml"), "--plugins", str(HERE / "toy"), "--until", "call")
INNOCENT = "innocent"
"""The name that the children which will not end give themselves."""
SETTLED_WITHIN_S = 2.0
"""So long after a kill -9 of the command line, or after its end where something else was killed, the store is to be whole and no process
left. The slowest of hundreds on two cores took 0.11 s."""


@dataclass(slots=True)
class Wild:
    """A folder for its runs, what an undisturbed one left, and how long it took, in seconds."""

    warm: Warm
    folder: Path
    reference: Result = field(default_factory=dict)
    seconds: float = 0.0
    slowest_s: float = 0.0
    victims: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """The undisturbed run, and one more to see how long it takes when everything was read once."""
        for name in ("reference", "again"):
            place, began = Place(self.folder / name), time.monotonic()
            code = self.warm.run(place, ARGV)
            assert code == 0, place.log.read_text()
            self.reference, self.seconds = results(place.store), time.monotonic() - began

    def kill(self, seed: str) -> Iterator[str]:
        """One kill -9. Yields what did not hold."""
        draw = random.Random(seed)
        place = Place(self.folder / seed)
        pid = self.warm.start(place, ARGV)
        # The moment of the crash is what is drawn; every other one in the part where the service is up.
        time.sleep(draw.uniform(draw.choice((0.05, 0.65 * self.seconds)), 0.9 * self.seconds))
        victim = draw.choice(tree(place, pid))
        name = described(victim)
        self.victims.append(name)
        victim.kill()
        killed = time.monotonic()
        code = self.warm.wait()
        since = killed if victim.pid == pid else time.monotonic()
        alive, halves = left(place), list(half(place.store))
        settled_s = time.monotonic() - since
        self.slowest_s = max(self.slowest_s, settled_s)
        # The service's child may go unnoticed, and what was already over is killed in vain.
        found = [*told(place, code, (-9,) if victim.pid == pid and code < 0 else (0, 4)), *halves]
        found += [f"{describe} is left" for describe in map(described, alive)]
        if settled_s > SETTLED_WITHIN_S:
            found.append(f"it took {settled_s:.2f} s until the store was whole and no process left; {SETTLED_WITHIN_S:g} s are the most")
        found += after(self.warm, place, self.reference, ARGV)
        yield from (f"kill -9 of {name} ({seed}): {words}" for words in found)
        shutil.rmtree(place.folder)


def tree(place: Place, pid: int) -> list[psutil.Process]:
    """The command line and all that it started, wherever in the tree of processes they are by now."""
    found = [psutil.Process(pid)]
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(place.folder):
                found.append(process)
        except psutil.Error:
            continue
    return found


def described(process: psutil.Process) -> str:
    """Which process of a run it is."""
    try:
        argv = process.cmdline()
        if process.name() == INNOCENT or "-S" in argv:
            return "a child that will not end"
        return next((part.removeprefix("ryot.") for part in argv if part.startswith("ryot.")), "the server" if "-c" in argv else "cli")
    except psutil.Error:
        return "one that was over"
