"""Jobs as SLURM's: one sbatch script each, on a store that all nodes share. They go on when this program dies; the next one finds them
again by their name and by slurm.json in the node's folder."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from ryot.backends.foretell import Asks, foretell
from ryot.backends.outpost import request
from ryot.backends.watch import Watch, ended, ending, follow_on, title_of
from ryot.plugins import Job, JobState, MachineError, Outlook, StageConfig, Wish, look_again, write_durable

_LOST = {"NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "REVOKED"}
_ENDED = _LOST | {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "DEADLINE"}
_UNKNOWN = "UNKNOWN"
_FULL_S = 120.0
"""How long SLURM may take to end a job: KillWait, 30 s by default, and its epilogue."""
_SETTLE_S = 60.0
"""How long a network file system may keep from us what another machine has written (acdirmax of nfs(5))."""
_ANSWER_S = 120.0
"""How long one of SLURM's commands may take: they try again by themselves for a while."""
NOTE = "slurm.json"


class SlurmConfig(StageConfig):
    """What is asked of SLURM for each node, beside its cores."""

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    time: str | None = Field(None, pattern=r"^[0-9][0-9:\-]*$")
    """The time limit, as sbatch's --time takes it."""
    gpus: int = Field(0, ge=0)
    """On each of its machines."""
    memory: str | None = Field(None, pattern=r"^[0-9]+[KMGT]?$")
    """As sbatch's --mem takes it."""
    options: tuple[str, ...] = ()
    """Further options for sbatch: `--constraint=h200`."""
    ask_every: float = Field(5.0, ge=0.1, le=600)
    """Seconds between two questions to the controller, each one squeue for all jobs."""


@dataclass(slots=True)
class _Sent:
    job: Job
    id: str
    ending: Path
    state: str = "PENDING"
    where: str = ""
    since: float = 0.0
    """When it was first seen to have ended."""
    cancelled: bool = False


class SlurmBackend:
    """Jobs in SLURM's queue."""

    name: ClassVar[str] = "slurm"
    spreads: ClassVar[bool] = True
    Config: ClassVar[type[StageConfig]] = SlurmConfig

    def __init__(self, config: SlurmConfig) -> None:
        """Raises MachineError where SLURM's commands are not installed."""
        if missing := [program for program in ("sbatch", "squeue", "scancel") if shutil.which(program) is None]:
            raise MachineError(f"SLURM's {', '.join(missing)} not found", hint="run ryot on a login node, or with --backend local")
        self._config = config
        self._sent: dict[str, _Sent] = {}
        self._watch = Watch()
        self._asked = 0.0

    def submit(self, job: Job) -> None:
        """Take up the job that is in the queue for this node, or submit one. Raises MachineError where SLURM refuses it."""
        title = title_of(job)
        sent = self._found(job, title) or self._submitted(job, title)
        self._watch.add(job)
        self._sent[job.name] = sent

    def wait(self, timeout_s: float) -> Collection[str]:
        """Wait for an event or an end, at most `timeout_s` seconds."""
        return self._watch.wait(timeout_s, self._over)

    def poll(self, name: str) -> JobState:
        """What the job left of its end, or what SLURM last said of it."""
        sent = self._sent[name]
        left = ended(sent.ending)
        if left and (sent.cancelled or not left.told):
            return left.state
        if sent.state not in _ENDED and sent.state != _UNKNOWN:
            return JobState(None)
        why = f"SLURM's job {sent.id}{f' on {sent.where}' if sent.where else ''} ended as {sent.state}"
        if sent.state in _LOST:
            return JobState(left.code if left else 1, why, lost=True)
        if left:
            return JobState(left.code, why)
        # A job that SLURM saw end well has left how it ended; here it may not be seen yet.
        if not sent.cancelled and time.monotonic() - sent.since < _SETTLE_S and sent.state == "COMPLETED":
            return JobState(None)
        return JobState(1, f"{why}, and left no word in {sent.ending.parent}", lost=sent.state == _UNKNOWN)

    def cancel(self, name: str, grace_s: float) -> None:
        """Have SLURM end a job, and wait until it has. Its outpost ends what ignores SIGTERM after 10 s, SLURM after its KillWait."""
        self._cancel([name])
        self._gone(name, grace_s)

    def forget(self, name: str) -> None:
        """Drop an ended job."""
        del self._sent[name]
        self._watch.drop(name)

    def close(self) -> None:
        """End every job."""
        self._cancel(list(self._sent))
        for name in list(self._sent):
            self._gone(name, 0.0)
            self.forget(name)

    def survey(self, wishes: Sequence[Wish]) -> Outlook:
        """The partition's nodes and jobs; and of each wish that it fits no node, or what sbatch expects of it. Raises MachineError where
        SLURM does not answer."""
        config = self._config
        asks = Asks(config.partition, config.time, config.memory, config.gpus, bool(config.options), self._asked_for)
        return foretell(asks, wishes)

    def _submitted(self, job: Job, title: str) -> _Sent:
        last = ending(job)
        asked = last.with_name(f"{last.stem}.request.json")
        write_durable(asked, request(job, last, Path.cwd()))
        note = {"name": title, "ending": str(last), "events": str(job.events)}
        # Before it is sent, so that a job in the queue is known even if this program dies as it sends it.
        write_durable(job.folder / NOTE, json.dumps(note))
        module = "ryot.backends.outpost" if job.machines == 1 else "ryot.backends.slurm_nodes"
        script = f"#!/bin/sh\nexec {shlex.join([sys.executable, '-P', '-m', module, str(asked)])}\n"
        done = _run(["sbatch", *self._options(job, title)], script)
        if done.returncode != 0:
            said = done.stderr.strip().removeprefix("sbatch: error: ")
            raise MachineError(f"sbatch refuses {job.name}: {said}", hint="see backend.with of the spec, and hardware.cpus")
        identity = done.stdout.strip().partition(";")[0]
        write_durable(job.folder / NOTE, json.dumps({**note, "id": identity}))
        return _Sent(job, identity, last)

    def _options(self, job: Job, title: str) -> list[str]:
        return [
            *("--parsable", "--no-requeue", "--export=ALL", f"--job-name={title}", f"--output={job.folder / 'log.txt'}"),
            *("--open-mode=append", *self._asked_for(job.cpus, job.alone, job.machines)),
        ]

    def _asked_for(self, cpus: int, alone: bool, machines: int) -> list[str]:
        """What sbatch is told that decides where a job fits, and when it starts."""
        config = self._config
        named = {"partition": config.partition, "account": config.account, "qos": config.qos, "time": config.time, "mem": config.memory}
        return [
            *(f"--nodes={machines}", f"--ntasks={machines}", "--ntasks-per-node=1", f"--cpus-per-task={cpus}"),
            *(f"--{option}={value}" for option, value in named.items() if value is not None),
            *([f"--gpus-per-node={config.gpus}"] if config.gpus else []),
            *(["--exclusive"] if alone else []),
            *config.options,
        ]

    def _found(self, job: Job, title: str) -> _Sent | None:
        """The job of an earlier program that is in the queue for the same node."""
        note = job.folder / NOTE
        if not note.exists():
            return None
        live = [line.split("|") for line in _queue([f"--name={title}"]) or []]
        ids = [identity for identity, state, _ in live if state not in _ENDED and state != "COMPLETING"]
        if not ids:
            return None
        known = json.loads(note.read_bytes())
        follow_on(Path(known["events"]), job)
        return _Sent(job, ids[0], Path(known["ending"]))

    def _over(self) -> Collection[str]:
        """The jobs that have ended. Asks SLURM if it is time to."""
        told = any(not sent.cancelled and (left := ended(sent.ending)) and left.told for sent in self._sent.values())
        if self._sent and time.monotonic() - self._asked >= (min(1.0, self._config.ask_every) if told else self._config.ask_every):
            self._ask()
        return [name for name in self._sent if self.poll(name).code is not None]

    def _ask(self) -> None:
        """Learn the state of every job, in one question. Where SLURM does not answer, what it said last stands."""
        self._asked = time.monotonic()
        lines = _queue([])
        if lines is None:
            return
        known = {identity: (state, where) for identity, state, where in (line.split("|") for line in lines)}
        for sent in self._sent.values():
            if sent.id in known:
                sent.state, sent.where = known[sent.id]
            elif sent.state not in _ENDED:
                sent.state = _accounted(sent.id)
            if sent.state in _ENDED and not sent.since:
                sent.since = time.monotonic()
                look_again(sent.ending.parent)

    def _cancel(self, names: Sequence[str]) -> None:
        if ids := [self._sent[name].id for name in names if self.poll(name).code is None]:
            _run(["scancel", *ids])
        for name in names:
            self._sent[name].cancelled = True

    def _gone(self, name: str, grace_s: float) -> None:
        """Wait until SLURM says that a job has ended: as long as one of its processes is alive it is COMPLETING."""
        deadline = time.monotonic() + grace_s + _FULL_S
        while (sent := self._sent[name]).state not in _ENDED and sent.state != _UNKNOWN and time.monotonic() < deadline:
            time.sleep(0.5)
            self._ask()


def _queue(options: Sequence[str]) -> list[str] | None:
    """`ID|STATE|NODE` of this user's jobs, of those too that ended lately; None where SLURM does not answer."""
    done = _run(["squeue", "--noheader", f"--user={os.getuid()}", "--states=all", "--format=%i|%T|%N", *options])
    return done.stdout.splitlines() if done.returncode == 0 else None


def _accounted(identity: str) -> str:
    """The state of a job that has left the queue, by SLURM's accounts, where it keeps some."""
    if shutil.which("sacct") is None:
        return _UNKNOWN
    done = _run(["sacct", "--noheader", "--parsable2", "--allocations", f"--jobs={identity}", "--format=State"])
    state = (done.stdout.split() or [""])[0]  # "CANCELLED by 1000"
    return state if state in _ENDED else _UNKNOWN


def _run(argv: list[str], said: str = "") -> subprocess.CompletedProcess[str]:
    """What a command says; that it does not answer is a failure of it like any other. Ctrl-C is for us, and not for it."""
    try:
        return subprocess.run(argv, input=said, capture_output=True, text=True, check=False, timeout=_ANSWER_S, process_group=0)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 124, "", f"{argv[0]} did not answer within {_ANSWER_S:.0f} s")
