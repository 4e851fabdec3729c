"""What jobs elsewhere leave on the file system that all machines share: events, and how they ended. Nothing tells here that another
machine wrote there, so it is looked at, twenty times a second first, then once a second."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from ryot.plugins import Job, JobState

_SOONEST_S, _LATEST_S = 0.05, 1.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended: its exit code, whether it was told to, why where its worker does not say, the further machine it was lost with."""

    code: int
    told: bool
    why: str
    lost: str

    @property
    def state(self) -> JobState:
        """The same as the engine is told it."""
        return JobState(self.code, self.why, lost=bool(self.lost))


def ended(path: Path) -> Ended | None:
    """What an outpost left; None when it has not yet."""
    try:
        said = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return Ended(said["code"], said["told"], said["why"], said.get("lost", ""))


def ending(job: Job) -> Path:
    """Where a try of a job leaves how it ended."""
    return job.events.with_name(f"{job.name}.{job.mark.rpartition('.')[2]}.ended.json")


def title_of(job: Job) -> str:
    """The name that a queue has for a node's job, whichever try it is."""
    return f"ryot-{job.name}-{job.mark.partition('.')[0]}"


def follow_on(told: Path, job: Job) -> None:
    """Have what a job has told since an earlier program sent it, and goes on telling there, be found in `job.events`."""
    if told != job.events:
        job.events.parent.mkdir(parents=True, exist_ok=True)
        told.touch()
        job.events.unlink(missing_ok=True)
        os.link(told, job.events)


def tell(job: Job, event: dict[str, object]) -> None:
    """Say something of a job that it cannot say itself, for it has not begun."""
    job.events.parent.mkdir(parents=True, exist_ok=True)
    with job.events.open("a") as file:
        file.write(json.dumps(event) + "\n")


class Watch:
    """The events of jobs, as far as they were seen."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Path, int]] = {}
        self._pause_s = _SOONEST_S

    def add(self, job: Job) -> None:
        """Follow a job's events from now on."""
        self._seen[job.name] = (job.events, _size(job.events))

    def drop(self, name: str) -> None:
        """Follow a job no more."""
        self._seen.pop(name, None)

    def wait(self, timeout_s: float, over: Callable[[], Collection[str]]) -> set[str]:
        """Wait until a job wrote an event, or `over` names jobs that ended, or the time is up. Returns the names of all of these."""
        deadline = time.monotonic() + timeout_s
        while not (found := self._news() | set(over())):
            left = deadline - time.monotonic()
            if left <= 0:
                return found
            time.sleep(min(self._pause_s, left))
            self._pause_s = min(self._pause_s * 1.2, _LATEST_S)
        self._pause_s = _SOONEST_S
        return found

    def _news(self) -> set[str]:
        found = {name: size for name, (path, seen) in self._seen.items() if (size := _size(path)) != seen}
        for name, size in found.items():
            self._seen[name] = (self._seen[name][0], size)
        return set(found)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
