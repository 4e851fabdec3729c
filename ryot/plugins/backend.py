"""Where nodes run. A Backend takes jobs, says when something happened to one, and cancels; it knows nothing of plans.

A backend whose class has a `Config` (a StageConfig) is made from it: what a spec writes under `backend.with`. One without takes nothing.
`ryot.plugins.testing.check_backend` holds a backend to what is written here. One that also has `survey` tells plans what it has.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable


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


@dataclass(frozen=True, slots=True)
class Wish:
    """What a node that is to run will ask of a backend: as `Job`, before there is one. `seconds` is how long it is expected to take, None
    where nobody knows."""

    node: str
    cpus: int = 1
    alone: bool = False
    seconds: float | None = None
    machines: int = 1


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a wish can be fulfilled: `fits` is False where it never can, as things are set up, and None where that is not known.

    `words` say when it is expected to start, or why it cannot or is not known. What can never fit has a `hint`, what to do, and in `field`
    the path of the field of the spec that asks for too much: `("backend", "with", "gpus")`."""

    node: str
    fits: bool | None
    words: str = ""
    hint: str = ""
    field: tuple[str, ...] = ("backend",)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a backend told before anything runs: of what it has, `has`, lines of a label and a text; and a `Fit` for each wish, in order."""

    has: tuple[tuple[str, str], ...]
    fits: tuple[Fit, ...]


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


@runtime_checkable
class Foretelling(Protocol):
    """A backend that can be asked, before anything runs, what it has and what of it a plan's nodes could get. `ryot plan` does so."""

    def survey(self, wishes: Sequence[Wish]) -> Outlook:
        """Look at what is there, and change nothing. Raises RyotError where that cannot be asked."""
