"""Jobs as SLURM's: one sbatch script each, on a store that all nodes share. They go on when this program dies; the next one finds them
again by their name and by slurm.json in the node's folder."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from ryot.backends.foretell import NEVER, Asks, foretell
from ryot.backends.outpost import request
from ryot.backends.slurm_queue import ENDED, LOST, UNKNOWN, Queued, accounted, command, queue
from ryot.backends.watch import Watch, ended, ending, follow_on, tell, title_of
from ryot.plugins import Job, JobState, MachineError, Outlook, StageConfig, Wish, look_again, write_durable

_FULL_S = 120.0
"""How long SLURM may take to end a job: KillWait, 30 s by default, and its epilogue."""
_SETTLE_S = 60.0
"""How long a network file system may keep from us what another machine has written (acdirmax of nfs(5))."""
_BUSY = re.compile(
    r"SubmitJob|timed out|unable to contact|temporarily un|did not answer|zero bytes|unexpected message|standby mode|connection"
    r"|authentication error|presently disabled|(send|receive) failure",
    re.IGNORECASE,
)
"""What sbatch says of a refusal that is none of this job: the controller is away or has too much to do, or this user has as many jobs in
the queue as are allowed (QOSMaxSubmitJobPerUserLimit, AssocMaxSubmitJobLimit)."""
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
    """Seconds between two questions to the controller, each one squeue for all jobs. A job that SLURM did not take is sent again then."""


@dataclass(slots=True)
class _Sent:
    job: Job
    id: str
    """Empty as long as SLURM has not taken it."""
    ending: Path
    state: str = "PENDING"
    where: str = ""
    since: float = 0.0
    """When it was first seen to have ended."""
    cancelled: bool = False
    busy: str = ""
    """Why SLURM did not take it the last time."""
    refused: str = ""
    """Why SLURM never will."""


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
        self._send_from = 0.0

    def submit(self, job: Job) -> None:
        """Take up the job that is in the queue for this node, or submit one; where SLURM has too much to do, later. Raises MachineError
        where SLURM refuses it."""
        sent = _Sent(job, "", ending(job))
        jobs = queue() if (job.folder / NOTE).exists() else []
        if jobs is None:
            sent.busy = "squeue does not answer"
        elif not self._found(sent, jobs) and time.monotonic() >= self._send_from:
            self._send(sent)
        self._sent[job.name] = sent
        self._watch.add(job)
        if not sent.id:
            tell(job, {"event": "waiting", "holder": f"SLURM takes no more jobs now{f': {sent.busy}' if sent.busy else ''}"})

    def wait(self, timeout_s: float) -> Collection[str]:
        """Wait for an event or an end, at most `timeout_s` seconds."""
        return self._watch.wait(timeout_s, self._over)

    def poll(self, name: str) -> JobState:
        """What the job left of its end, or what SLURM last said of it."""
        sent = self._sent[name]
        if sent.refused:
            return JobState(1, sent.refused)
        left = ended(sent.ending)
        if left and (sent.cancelled or not left.told):
            return left.state
        if left and not sent.id:
            return JobState(left.code, "SLURM ended it before its number was known", lost=True)
        if sent.state not in ENDED and sent.state != UNKNOWN:
            return JobState(None)
        why = f"SLURM's job {sent.id}{f' on {sent.where}' if sent.where else ''} ended as {sent.state}"
        if sent.state in LOST:
            return JobState(left.code if left else 1, why, lost=True)
        if left:
            return JobState(left.code, why)
        # A job that SLURM saw end well has left how it ended; here it may not be seen yet.
        if not sent.cancelled and time.monotonic() - sent.since < _SETTLE_S and sent.state == "COMPLETED":
            return JobState(None)
        return JobState(1, f"{why}, and left no word in {sent.ending.parent}", lost=sent.state == UNKNOWN)

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

    def _found(self, sent: _Sent, jobs: Collection[Queued]) -> bool:
        """Whether the job is in the queue: this one, though sbatch was not told that it was taken, or an earlier program's for its node."""
        job, note = sent.job, sent.job.folder / NOTE
        if mine := [each for each in jobs if each.name == _name_of(job)]:
            sent.id, sent.state, sent.where, _ = mine[0]
        elif note.exists():
            known = json.loads(note.read_bytes())
            for each in [each for each in jobs if each.live and each.name == known["name"]][:1]:
                follow_on(Path(known["events"]), job)
                sent.id, sent.state, sent.where, _ = each
                sent.ending = Path(known["ending"])
        return bool(sent.id)

    def _send(self, sent: _Sent) -> None:
        """Give a job to SLURM. Raises MachineError where it is refused; that SLURM cannot take it now is said in `sent.busy`."""
        job, last = sent.job, sent.ending
        asked = last.with_name(f"{last.stem}.request.json")
        write_durable(asked, request(job, last, Path.cwd()))
        # Before it is sent, so that a job in the queue is known even if this program dies as it sends it.
        write_durable(job.folder / NOTE, json.dumps({"name": _name_of(job), "ending": str(last), "events": str(job.events)}))
        module = "ryot.backends.outpost" if job.machines == 1 else "ryot.backends.slurm_nodes"
        script = f"#!/bin/sh\nexec {shlex.join([sys.executable, '-P', '-m', module, str(asked)])}\n"
        began = time.monotonic()
        done = command(["sbatch", *self._options(job)], script)
        if done.returncode == 0:
            sent.id = done.stdout.strip().partition(";")[0]
            return
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        said = [line.removeprefix("sbatch: error: ") for line in lines if line.startswith("sbatch: error: ")] or lines
        if any(map(NEVER.search, said)) or not any(map(_BUSY.search, said)):
            raise MachineError(f"sbatch refuses {job.name}: {' '.join(said)}", hint="see backend.with of the spec, and hardware.cpus")
        sent.busy = said[0]
        # An sbatch that takes its time tries again by itself; jobs that run are to be looked at too.
        self._send_from = time.monotonic() + max(self._config.ask_every, time.monotonic() - began)

    def _send_what_waits(self) -> None:
        """Send what SLURM did not take before and does not have, until it takes no more, or jobs that run are to be looked at again."""
        deadline = time.monotonic() + self._config.ask_every
        for sent in [sent for sent in self._sent.values() if not (sent.id or sent.refused)]:
            if not self._send_from <= time.monotonic() < deadline:
                return
            look_again(sent.ending.parent)
            if ended(sent.ending):
                continue
            try:
                self._send(sent)
            except MachineError as error:
                sent.state, sent.refused = "FAILED", error.message
            if sent.id:
                tell(sent.job, {"event": "waiting", "holder": f"SLURM has it in its queue, as {sent.id}"})

    def _options(self, job: Job) -> list[str]:
        return [
            *("--parsable", "--no-requeue", "--export=ALL", f"--job-name={_name_of(job)}", f"--output={job.folder / 'log.txt'}"),
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

    def _over(self) -> Collection[str]:
        """The jobs that have ended. Asks SLURM if it is time to."""
        told = any(not sent.cancelled and (left := ended(sent.ending)) and left.told for sent in self._sent.values())
        pause_s = min(1.0, self._config.ask_every) if told else self._config.ask_every
        if self._sent and time.monotonic() - self._asked >= pause_s and self._ask():
            self._send_what_waits()
        return [name for name in self._sent if self.poll(name).code is not None]

    def _ask(self) -> bool:
        """Learn the state of every job, in one question. Where SLURM does not answer, what it said last stands. Returns whether it did."""
        self._asked = time.monotonic()
        if (jobs := queue()) is None:
            return False
        known = {job.id: job for job in jobs}
        for sent in self._sent.values():
            if not sent.id and (sent.refused or not self._found(sent, jobs)):
                continue
            if sent.id in known:
                sent.state, sent.where = known[sent.id].state, known[sent.id].where
            elif sent.state not in ENDED:
                sent.state = accounted(sent.id)
            if sent.state in ENDED and not sent.since:
                sent.since = time.monotonic()
                look_again(sent.ending.parent)
        return True

    def _cancel(self, names: Sequence[str]) -> None:
        running = [self._sent[name] for name in names if self.poll(name).code is None]
        jobs = queue() if not all(sent.id for sent in running) else []
        for sent in [sent for sent in running if not sent.id and not self._found(sent, jobs or [])]:
            sent.state = "CANCELLED"
            sent.refused = "SLURM does not answer: it may have it" if jobs is None else "it was ended before SLURM took it"
        if ids := [sent.id for sent in running if sent.id]:
            command(["scancel", *ids])
        for name in names:
            self._sent[name].cancelled = True

    def _gone(self, name: str, grace_s: float) -> None:
        """Wait until SLURM says that a job has ended: as long as one of its processes is alive it is COMPLETING."""
        deadline = time.monotonic() + grace_s + _FULL_S
        while (sent := self._sent[name]).id and sent.state not in ENDED and sent.state != UNKNOWN and time.monotonic() < deadline:
            time.sleep(0.5)
            self._ask()


def _name_of(job: Job) -> str:
    """What its job is called in the queue: the title of its node, and the try."""
    return f"{title_of(job)}.{job.mark.rpartition('.')[2]}"
