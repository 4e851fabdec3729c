"""The door to processes: children that die with their parent, and whole trees that are ended and seen to be gone. Linux only.

Every process of a node's work carries RYOT_MARK in its environment, `NODE.TRY`, so that what an older crash left can still be found.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

MARK = "RYOT_MARK"
WAKE = "RYOT_WAKE_FD"
AWAY = "~"
"""What the mark of a node has behind it on its further machines: `NODE~.TRY`."""
_OF_A_PLACE = ("SSH_", "SLURM_", "RAY_", "XDG_", "DBUS_", "DISPLAY", "TMPDIR", "HOSTNAME", "CUDA_VISIBLE_DEVICES", WAKE)
"""Beginnings of the variables that say something of one machine, session or process, and would be wrong on another machine."""
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int, sig: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send `sig` to this process when `parent` dies; end at once if it died already.

    The kernel watches the parent's *thread* that started this process, so start children from a thread that stays.
    """
    _libc.prctl(_SET_PDEATHSIG, int(sig), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), sig)


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent dies, so that none escapes it."""
    _libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdout: IO[bytes] | int | None = None,
    pass_fds: Sequence[int] = (),
    sig: signal.Signals = signal.SIGKILL,
    piped: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own that gets `sig` when this process dies. Its stderr goes where its stdout goes; if it is to be
    `piped`, its stdin and stdout are pipes of this process, and only its stderr goes to `stdout`."""
    parent = os.getpid()
    return subprocess.Popen(
        list(argv),
        env=dict(env) if env is not None else None,
        cwd=cwd,
        stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
        stdout=subprocess.PIPE if piped else stdout,
        stderr=stdout if piped else subprocess.STDOUT if stdout is not None else None,
        pass_fds=pass_fds,
        start_new_session=True,
        preexec_fn=lambda: _begin(parent, sig),  # noqa: PLW1509 - the child makes a few system calls before exec
    )


def _begin(parent: int, sig: signal.Signals) -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if sig != signal.SIGKILL:
        signal.signal(sig, signal.SIG_DFL)  # this process's own handler would swallow the word of its end, and the program would begin
    die_with_parent(parent, sig)


def carried(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that mean the same on another machine."""
    return {name: value for name, value in environ.items() if not name.startswith(_OF_A_PLACE)}


def birth(pid: int) -> int | None:
    """When a process began, in clock ticks since the machine's start: tells it from a later one of the same number. None if it is gone."""
    try:
        # The name, in brackets, may hold anything; the start is field 22 of proc_pid_stat(5), the 20th behind it.
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])
    except OSError:
        return None


def descendants(pid: int) -> list[psutil.Process]:
    """Every living process below `pid`, adopted orphans included; zombies do not count."""
    try:
        return [child for child in psutil.Process(pid).children(recursive=True) if _alive(child)]
    except psutil.NoSuchProcess:
        return []


def marked(*marks: str) -> list[psutil.Process]:
    """Every living process of this user whose environment carries one of these as RYOT_MARK, or that of a try below it (`mark.TRY`), but
    for this."""
    found = []
    wanted, below = {f"{MARK}={mark}".encode() for mark in marks}, tuple(f"{MARK}={mark}.".encode() for mark in marks)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError, psutil.Error):
                if any(item in wanted or item.startswith(below) for item in (entry / "environ").read_bytes().split(b"\0")):
                    found.append(psutil.Process(int(entry.name)))
    return [process for process in found if _alive(process)]


def end(processes: Iterable[psutil.Process], grace_s: float = 0.0) -> list[psutil.Process]:
    """End processes: SIGTERM and `grace_s` seconds if that is above 0, then SIGKILL. Returns those seen alive 5 s later."""
    alive = [process for process in processes if _alive(process)]
    if grace_s > 0:
        _signal(alive, signal.SIGTERM)
        alive = _wait(alive, grace_s)
    _signal(alive, signal.SIGKILL)
    return _wait(alive, 5.0)


def end_descendants(pid: int, grace_s: float = 0.0) -> list[psutil.Process]:
    """End everything below `pid`, again and again until nothing new has been born. Returns what could not be ended."""
    deadline = time.monotonic() + grace_s + 10.0
    while (below := descendants(pid)) and time.monotonic() < deadline:
        end(below, grace_s)
        reap()
        grace_s = 0.0
    return descendants(pid)


def end_session(leader: int) -> None:
    """Kill what an ended and waited for leader of a session has left in it, such as vLLM's EngineCore, which outlives its front. Where
    the number has been given to another process meanwhile, nothing is done."""
    if psutil.pid_exists(leader):
        return
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.Error):
            if os.getsid(process.pid) == leader:
                process.kill()


def reap() -> None:
    """Collect the exit codes of adopted orphans, so that none stays as a zombie. Only for a process that waits by pidfd."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _signal(processes: Iterable[psutil.Process], sig: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(sig)


def _wait(processes: Iterable[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    _, alive = psutil.wait_procs(list(processes), timeout=timeout_s)
    return [process for process in alive if _alive(process)]
