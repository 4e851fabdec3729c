"""Jobs as processes of this machine, each below a keeper of its own that ends with this process, however it ends."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

import psutil

from ryot.plugins import Job, JobState, MachineError, processes

_GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class _Running:
    job: Job
    keeper: subprocess.Popen[bytes]
    wake: int
    pidfd: int
    birth: int


class LocalBackend:
    """Jobs as processes of this machine."""

    name: ClassVar[str] = "local"

    def __init__(self) -> None:
        self._running: dict[str, _Running] = {}
        self._selector = selectors.DefaultSelector()
        # What a killed keeper leaves becomes a child of this process instead of escaping.
        processes.adopt_orphans()

    def submit(self, job: Job) -> None:
        """Start the job's keeper. Raises MachineError when no process can be made, or the job asks for more than this machine."""
        if job.machines > 1:
            raise MachineError(f"{job.name} asks for {job.machines} machines; here is one", hint="--backend slurm, ray or hostfile")
        wake, theirs = os.pipe()
        os.set_blocking(theirs, False)
        os.set_blocking(wake, False)
        # The keeper itself carries no mark: one that waits for its lock must not be taken for what an older crash left.
        environ = {name: value for name, value in os.environ.items() if name != processes.MARK} | {processes.WAKE: str(theirs)}
        argv = [sys.executable, "-P", "-m", "ryot.keeper", str(job.file), job.python, job.mark]
        try:
            with (job.folder / "log.txt").open("ab") as log:
                keeper = processes.spawn(argv, env=environ, stdout=log, pass_fds=(theirs,), sig=signal.SIGTERM)
        except OSError as error:
            os.close(wake)
            raise MachineError(f"cannot start a process for {job.name}: {error.strerror}") from error
        finally:
            os.close(theirs)
        pidfd = os.pidfd_open(keeper.pid)
        self._running[job.name] = _Running(job, keeper, wake, pidfd, processes.birth(keeper.pid) or 0)
        self._selector.register(wake, selectors.EVENT_READ, job.name)
        self._selector.register(pidfd, selectors.EVENT_READ, job.name)

    def wait(self, timeout_s: float) -> Collection[str]:
        """Wait for an event or an end, at most `timeout_s` seconds."""
        found = set()
        for key, _ in self._selector.select(timeout_s):
            found.add(key.data)
            running = self._running[key.data]
            if key.fd == running.wake and not _drain(running.wake):
                self._selector.unregister(running.wake)
        return found

    def poll(self, name: str) -> JobState:
        """The state of a job's keeper. When it ended by force, whatever it left is ended here."""
        running = self._running[name]
        code = running.keeper.poll()
        if code is not None and code < 0:
            self._end_orphans(running)
        return JobState(code)

    def cancel(self, name: str, grace_s: float) -> None:
        """Tell the keeper to end its tree; after `grace_s` seconds end it and the tree by force."""
        running = self._running[name]
        running.keeper.terminate()
        try:
            running.keeper.wait(grace_s)
        except subprocess.TimeoutExpired:
            running.keeper.kill()
            running.keeper.wait(_GRACE_S)
        self._end_orphans(running)

    def forget(self, name: str) -> None:
        """Drop an ended job."""
        running = self._running.pop(name)
        for handle in (running.wake, running.pidfd):
            if handle in self._selector.get_map():
                self._selector.unregister(handle)
            os.close(handle)

    def close(self) -> None:
        """End every job."""
        for running in self._running.values():
            running.keeper.terminate()
        for name in list(self._running):
            self.cancel(name, _GRACE_S)
            self.forget(name)
        self._selector.close()

    def _end_orphans(self, running: _Running) -> None:
        """End what a killed keeper left: what carries the job's mark, and adopted children in sessions that are not ours."""
        keepers = {other.keeper.pid for other in self._running.values()}
        ours = os.getsid(0)
        adopted = [
            child
            for child in psutil.Process().children()
            if child.pid not in keepers and _session(child.pid) != ours and _no_older(child.pid, running.birth)
        ]
        below = [grandchild for child in adopted for grandchild in processes.descendants(child.pid)]
        processes.end([*processes.marked(running.job.mark), *adopted, *below])


def _drain(handle: int) -> bool:
    """Read what is there; False when the other end is closed for good."""
    try:
        while data := os.read(handle, 4096):
            if len(data) < 4096:
                return True
    except BlockingIOError:
        return True
    return False


def _no_older(pid: int, birth: int) -> bool:
    """By the machine's own ticks: a clock that is set meanwhile says nothing of who came first."""
    return (processes.birth(pid) or 0) >= birth


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return os.getsid(0)
