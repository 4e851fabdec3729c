"""Where nodes run. A Backend takes jobs, says when something happened to one, and cancels; it knows nothing of plans.

A backend whose class has a `Config` (a StageConfig) is made from it: what a spec writes under `backend.with`. One without takes nothing.
`ryot.plugins.testing.check_backend` holds a backend to what is written here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol


@dataclass(frozen=True, slots=True)
class Job:
    """One node to run: what `file` (job.json) says, in `folder`, the node's own. `mark` is put on the processes of its work; it is
    `NODE.TRY`, so that what this try started is told from what another apply's try of the same node did. To `events` the job adds a line
    whenever it has something to tell. `cpus` are the cores it computes with; one that is `alone` measures speed: no other job of this
    user may compute on its machine. Of several `machines`, which a backend is asked for only where it `spreads` jobs, it runs on the first;
    the backend writes all of them into `file`, under `machines`, as ryot.plugins.Machine has them."""

    name: str
    file: Path
    folder: Path
    mark: str
    python: str
    events: Path
    cpus: int = 1
    alone: bool = False
    machines: int = 1


@dataclass(frozen=True, slots=True)
class JobState:
    """A job's state. `code` is None while it runs, else its exit code (negative: the signal that ended it).

    `why` is what only the backend knows of its end, in words: `ended by SLURM: TIMEOUT`. One that is `lost` ended through no fault of its
    own, with its machine or by preemption, and may be tried again."""

    code: int | None
    why: str = ""
    lost: bool = False


class Backend(Protocol):
    """Where nodes run. Jobs are named by `Job.name`, unique among those submitted. One whose class says `spreads = True` gives a job as
    many machines as it asks for; to any other ryot sends none that asks for more than one."""

    name: ClassVar[str]

    def submit(self, job: Job) -> None:
        """Start a job. Raises RyotError when it cannot be started.

        Where jobs outlive the program that submitted them, the one that still runs for the same node (`NODE` of its mark) is taken up
        instead, and what it tells is found in `job.events`.
        """

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
