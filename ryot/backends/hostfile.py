"""Jobs on the hosts of a DeepSpeed hostfile, each at the end of an ssh connection: it ends when the connection does, and so with this
program. The hosts share the store, and have ryot under the same path."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from ryot.backends import census
from ryot.backends.outpost import agent, request
from ryot.backends.watch import Watch, ended, ending
from ryot.plugins import Job, JobState, Machine, MachineError, Outlook, StageConfig, Wish, processes

_HOST = re.compile(r"^(?P<host>[\w.\-@:]+)\s+slots=(?P<slots>[1-9][0-9]{0,4})\s*(#.*)?$")


class HostfileConfig(StageConfig):
    """Which hosts, and how they are reached."""

    path: str = "/job/hostfile"
    """A file of lines `HOST slots=N`, as DeepSpeed reads it, relative to where ryot runs. One job runs on a host for each of its slots."""
    ssh: tuple[str, ...] = ("ssh", "-oBatchMode=yes", "-oServerAliveInterval=15", "-oServerAliveCountMax=4")
    """The program that reaches a host, and its options. With these a host that is silent for a minute is taken for lost."""
    python: str | None = None
    """The interpreter on the hosts; by default this one's path."""
    end_within: float = Field(60.0, gt=0)
    """Seconds to wait for the end of a cancelled job's connection, beyond the grace."""


@dataclass(slots=True)
class _Sent:
    job: Job
    hosts: tuple[str, ...]
    ssh: subprocess.Popen[bytes]
    ending: Path
    cancelled: bool = False


class HostfileBackend:
    """Jobs on hosts that are reached by ssh."""

    name: ClassVar[str] = "hostfile"
    spreads: ClassVar[bool] = True
    Config: ClassVar[type[StageConfig]] = HostfileConfig

    def __init__(self, config: HostfileConfig) -> None:
        """Raises MachineError for a hostfile that is not there or names no hosts."""
        self._config = config
        self._slots = hosts(Path(config.path))
        self._sent: dict[str, _Sent] = {}
        self._watch = Watch()
        self._lost: set[str] = set()

    def submit(self, job: Job) -> None:
        """Start a job on the host with the most free slots, or on several; hosts that were lost come last. Raises MachineError where there
        is no ssh, or too few hosts."""
        taken = self._free(job)
        last, python = ending(job), self._config.python or sys.executable
        holds = [(), *((*self._config.ssh, host, _command(agent(job, python))) for host in taken[1:])]
        machines = [Machine(host, host.rpartition("@")[2], hold) for host, hold in zip(taken, holds, strict=True)]
        try:
            with (job.folder / "log.txt").open("ab") as log:
                # In this session, but not in its foreground: Ctrl-C is for us, and we end it in order.
                ssh = subprocess.Popen(
                    [*self._config.ssh, taken[0], _command([python, "-P", "-m", "ryot.backends.outpost"])],
                    stdin=subprocess.PIPE, stdout=log, stderr=log, process_group=0,
                )  # fmt: skip
        except OSError as error:
            raise MachineError(
                f"cannot start {self._config.ssh[0]}: {error.strerror}", hint="install ssh, or name it: backend.with.ssh"
            ) from None
        self._sent[job.name] = _Sent(job, taken, ssh, last)
        self._watch.add(job)
        assert ssh.stdin
        # The environment goes this way and not in the command, which every user of the host can read.
        asked = request(job, last, Path.cwd(), processes.carried(os.environ), machines if job.machines > 1 else ())
        with contextlib.suppress(BrokenPipeError):  # the connection failed already, as its exit code will tell
            ssh.stdin.write(asked.encode() + b"\n")
            ssh.stdin.flush()

    def wait(self, timeout_s: float) -> Collection[str]:
        """Wait for an event or an end, at most `timeout_s` seconds."""
        return self._watch.wait(timeout_s, lambda: [name for name in self._sent if self.poll(name).code is not None])

    def poll(self, name: str) -> JobState:
        """The state of a job's connection, and what the job left of its end."""
        sent = self._sent[name]
        if (code := sent.ssh.poll()) is None:
            return JobState(None)
        left = ended(sent.ending)
        if left and (sent.cancelled or not left.told):
            self._lost |= {left.lost} if left.lost else set()
            return left.state
        host = sent.hosts[0]
        if code == 127 or (code != 255 and not left and code > 0):
            return JobState(code, f"{host} cannot start it: see the log")
        self._lost.add(host)
        return JobState(code or 1, f"the connection to {host} ended with exit code {code}", lost=not sent.cancelled)

    def cancel(self, name: str, grace_s: float) -> None:
        """Close what the job is held by, and wait until its connection ends, which it does when its tree is gone."""
        self._let_go(name)
        self._gone(name, grace_s)

    def forget(self, name: str) -> None:
        """Drop an ended job."""
        sent = self._sent.pop(name)
        self._watch.drop(name)
        _close(sent.ssh)

    def close(self) -> None:
        """End every job."""
        for name in self._sent:
            self._let_go(name)
        for name in list(self._sent):
            self._gone(name, 0.0)
            self.forget(name)

    def survey(self, wishes: Sequence[Wish]) -> Outlook:
        """What the hosts say of themselves, and on how many of them each wish fits. Raises MachineError where there is no ssh."""
        asks = _command([self._config.python or sys.executable, "-P", "-m", census.MODULE])
        return census.survey(self._slots, lambda host: [*self._config.ssh, host, asks], wishes)

    def _free(self, job: Job) -> tuple[str, ...]:
        """The hosts for a job. Several in the order of the file, in which each is waited for until it is free: in any other order two jobs
        could wait for each other."""
        if job.machines > len(self._slots):
            raise MachineError(f"{job.name} asks for {job.machines} machines; {self._config.path} names {len(self._slots)} hosts")
        taken = [host for sent in self._sent.values() for host in sent.hosts]
        best = sorted(self._slots, key=lambda host: (host in self._lost, taken.count(host) - self._slots[host]))[: job.machines]
        return tuple(host for host in self._slots if host in best)

    def _let_go(self, name: str) -> None:
        self._sent[name].cancelled = True
        _close(self._sent[name].ssh)

    def _gone(self, name: str, grace_s: float) -> None:
        ssh = self._sent[name].ssh
        try:
            ssh.wait(grace_s + self._config.end_within)
        except subprocess.TimeoutExpired:
            ssh.kill()
            ssh.wait()


def hosts(path: Path) -> dict[str, int]:
    """The slots of each host of a hostfile. Raises MachineError."""
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise MachineError(f"the hostfile {path} cannot be read: {error.strerror}", hint="name it: backend.with.path") from None
    found = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _HOST.match(line.strip())
        if match is None or match["host"] in found:
            wrong = "names a host twice" if match else "is not `HOST slots=N`"
            raise MachineError(f"{path}:{number} {wrong}: {line.strip()[:80]}", hint="write one line for each host")
        found[match["host"]] = int(match["slots"])
    if not found:
        raise MachineError(f"the hostfile {path} names no host", hint="write lines `HOST slots=N`")
    return found


def _command(argv: list[str]) -> str:
    """A command for a host's shell, which has this program's ryot."""
    path = ["env", f"PYTHONPATH={os.environ['PYTHONPATH']}"] if "PYTHONPATH" in os.environ else []
    return shlex.join([*path, *argv])


def _close(ssh: subprocess.Popen[bytes]) -> None:
    assert ssh.stdin
    with contextlib.suppress(BrokenPipeError):  # what it held is gone
        ssh.stdin.close()
