"""Where nodes run. A Backend takes jobs, says when something happened to one, and cancels; it knows nothing of plans."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol


@dataclass(frozen=True, slots=True)
class Job:
    """One node to run: what `file` (job.json) says, in `folder`, the node's own. `mark` is put on the processes of its work; it is
    `NODE.TRY`, so that what this try started is told from what another apply's try of the same node did."""

    name: str
    file: Path
    folder: Path
    mark: str
    python: str


@dataclass(frozen=True, slots=True)
class JobState:
    """A job's state. `code` is None while it runs, else its exit code (negative: the signal that ended it)."""

    code: int | None


class Backend(Protocol):
    """Where nodes run. Jobs are named by `Job.name`, unique among those submitted."""

    name: ClassVar[str]

    def submit(self, job: Job) -> None:
        """Start a job. Raises RyotError when it cannot be started."""

    def wait(self, timeout_s: float) -> Collection[str]:
        """Wait until a job wrote an event or ended, or the time is up. Returns the names of such jobs."""

    def poll(self, name: str) -> JobState:
        """A job's state now."""

    def cancel(self, name: str, grace_s: float) -> None:
        """End a job and everything it started: SIGTERM, after `grace_s` seconds SIGKILL. Returns when all of it is gone."""

    def forget(self, name: str) -> None:
        """Drop what is known of an ended job."""

    def close(self) -> None:
        """End every job and free what the backend holds."""
