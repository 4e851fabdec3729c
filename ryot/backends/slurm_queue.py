"""SLURM's commands, and what they tell of jobs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

LOST = {"NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "REVOKED"}
"""The states of jobs that ended through no fault of their own."""
ENDED = LOST | {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "DEADLINE"}
UNKNOWN = "UNKNOWN"
"""The state of a job that is neither in the queue nor in the accounts."""
_ANSWER_S = 120.0
"""How long one of SLURM's commands may take: they try again by themselves for a while."""


class Queued(NamedTuple):
    """A job as the queue has it."""

    id: str
    state: str
    where: str
    name: str

    @property
    def live(self) -> bool:
        """Whether it has not ended, and is not about to."""
        return self.state not in ENDED and self.state != "COMPLETING"


def queue() -> list[Queued] | None:
    """This user's jobs, those too that ended lately; None where SLURM does not answer."""
    done = command(["squeue", "--noheader", f"--user={os.getuid()}", "--states=all", "--format=%i|%T|%N|%j"])
    return [Queued(*line.split("|", 3)) for line in done.stdout.splitlines()] if done.returncode == 0 else None


def accounted(identity: str) -> str:
    """The state of a job that has left the queue, by SLURM's accounts, where it keeps some."""
    if shutil.which("sacct") is None:
        return UNKNOWN
    done = command(["sacct", "--noheader", "--parsable2", "--allocations", f"--jobs={identity}", "--format=State"])
    state = (done.stdout.split() or [""])[0]  # "CANCELLED by 1000"
    return state if state in ENDED else UNKNOWN


def command(argv: Sequence[str], said: str = "") -> subprocess.CompletedProcess[str]:
    """What a command says; that it does not answer is a failure of it like any other. Ctrl-C is for us, and not for it."""
    try:
        return subprocess.run(argv, input=said, capture_output=True, text=True, check=False, timeout=_ANSWER_S, process_group=0)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 124, "", f"{argv[0]} did not answer within {_ANSWER_S:.0f} s")
