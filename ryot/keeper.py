"""The process that stands between a backend and a worker: `python -m ryot.keeper JOB.json PYTHON MARK`.

It holds the node's lock, adopts every orphan of the worker, never blocks in stage code, and ends the whole tree: when the worker
ends, when it is told to, and when the engine dies. It is small so that it is always able to.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from ryot import files, processes

GRACE_S = 5.0
_STOP = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def main(argv: list[str]) -> int:
    """Run the worker of a job. Exit code: the worker's, 0 too if another finished the node; 143 when told to stop."""
    file, python, mark = Path(argv[1]), argv[2], argv[3]
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # where a parent had it ignored, no child's end would ever be told
    job = json.loads(file.read_bytes())
    folder, events = Path(job["folder"]), Path(job["events"])
    processes.adopt_orphans()
    held = [_lock(folder / "lock", fcntl.LOCK_EX, events, "is running this node")]
    if (folder / "record.json").exists():
        return 0
    (folder / "failure.json").unlink(missing_ok=True)
    # A service waits for no one: what measures speed against it holds the machine already.
    if not job["is_service"]:
        mode = fcntl.LOCK_EX if job["measures_speed"] else fcntl.LOCK_SH
        held.append(_lock(machine_lock(), mode, events, "measures speed, or waits to, and has the machine to itself"))
    processes.end(processes.marked(mark.partition(".")[0]))
    os.environ[processes.MARK] = mark
    files.write_durable(folder / "job.json", file.read_bytes())
    code = _keep([python, "-P", "-m", "ryot.worker", str(file)], folder / "log.txt")
    left = processes.end_descendants(os.getpid())
    processes.reap()
    for process in left:
        print(f"ryot: process {process.pid} could not be ended", flush=True)
    return code


def _keep(argv: list[str], log: Path) -> int:
    """Start the worker and wait for its end or for a signal, whichever comes first."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP | {signal.SIGCHLD})
    wake = [int(os.environ[processes.WAKE])] if processes.WAKE in os.environ else []
    with log.open("ab") as file:
        worker = processes.spawn(argv, stdout=file, pass_fds=wake)
    while worker.poll() is None:
        if signal.sigwait(_STOP | {signal.SIGCHLD}) in _STOP:
            _ask_to_end(worker)
            return 143
    return worker.returncode if worker.returncode >= 0 else 128 - worker.returncode


def _ask_to_end(worker: subprocess.Popen[bytes]) -> None:
    worker.terminate()
    try:
        worker.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        worker.kill()


def machine_lock() -> Path:
    """The lock all stores of this user on this machine share: held alone by what measures speed, together by everything else."""
    base = os.environ.get("RYOT_RUNTIME_DIR") or os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    folder = Path(base, f"ryot-{os.getuid()}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / "machine.lock"


def _lock(path: Path, mode: int, events: Path, why: str) -> int:
    """Take a lock, saying for whom it waits if it has to. It is held until this process ends."""
    while not files.is_still_at(handle := _locked(path, mode, events, why), path):
        os.close(handle)  # the folder was set aside meanwhile, and the lock with it
    if mode == fcntl.LOCK_EX:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"pid {os.getpid()} on {socket.gethostname()}".encode(), 0)
    return handle


def _locked(path: Path, mode: int, events: Path, why: str) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, 400, 0).decode(errors="replace") or "another process"
        emit(events, {"event": "waiting", "holder": f"{holder} {why}"})
        fcntl.flock(handle, mode)
    return handle


def emit(events: Path, event: dict[str, object]) -> None:
    """Add a line to a job's file of events and wake whoever follows it."""
    with events.open("a") as file:
        file.write(json.dumps(event) + "\n")
    if processes.WAKE in os.environ:
        try:
            os.write(int(os.environ[processes.WAKE]), b".")
        except (BrokenPipeError, BlockingIOError):
            return  # nobody listens, or the pipe is full of earlier calls


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv))
    except OSError as refused:
        if files.no_room(refused, Path()) is None:
            raise
        os._exit(files.NO_ROOM)
