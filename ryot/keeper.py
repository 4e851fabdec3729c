"""The process that stands between a backend and a worker: `python -m ryot.keeper JOB.json PYTHON MARK`.

It holds the node's lock, adopts every orphan of the worker, never blocks in stage code, and ends the whole tree: when the worker
ends, when it is told to, and when the engine dies. It is small so that it is always able to.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from ryot import files, processes
from ryot.machine import boot_id

GRACE_S = 5.0
HELD = "RYOT_MACHINE_LOCK"
"""The variable that tells a node's processes which lock of a machine is held for them."""
_STOP = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def main(argv: list[str]) -> int:
    """Run the worker of a job. Exit code: the worker's, 0 too if another finished the node; 143 when told to stop."""
    file, python, mark = Path(argv[1]), argv[2], argv[3]
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # where a parent had it ignored, no child's end would ever be told
    job = json.loads(file.read_bytes())
    folder, events = Path(job["folder"]), Path(job["events"])
    processes.adopt_orphans()
    held = [files.hold(folder / "lock", lambda holder: _waits(events, f"{holder} is running this node"))]
    if (folder / "record.json").exists():
        return 0
    files.remove(folder / "failure.json")
    for half in folder.glob(".*.part"):
        files.remove(half)  # of a write that a crash cut short
    node = mark.partition(".")[0]
    # Of an earlier try; it may hold the machine's lock. This may have been a further machine then.
    processes.end(processes.marked(node, f"{node}{processes.AWAY}"))
    # A service waits for no one: what measures speed against it holds the machine already.
    if not job["is_service"]:
        why = "measures speed, or waits to, and has the machine to itself"
        held.append(files.hold(machine_lock(), lambda holder: _waits(events, f"{holder} {why}"), shared=not job["measures_speed"]))
        os.environ[HELD] = identity(held[-1])
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
    files.make_folder(folder, mode=0o700)
    return folder / "machine.lock"


def identity(handle: int) -> str:
    """What tells an open lock from those of other machines."""
    about = os.fstat(handle)
    return f"{boot_id() or socket.gethostname()}:{about.st_dev}:{about.st_ino}"


def _waits(events: Path, holder: str) -> None:
    emit(events, {"event": "waiting", "holder": holder})


def emit(events: Path, event: dict[str, object]) -> None:
    """Add a line to a job's file of events and wake whoever follows it."""
    with events.open("a") as file:
        file.write(json.dumps(event) + "\n")
    if processes.WAKE in os.environ:
        try:
            os.write(int(os.environ[processes.WAKE]), b".")
        except (BrokenPipeError, BlockingIOError):
            return  # nobody listens, or the pipe is full of earlier calls


def _say_why(job: Path, error: OSError) -> int:
    """Leave word of what the disk refused, so that it is told as the machine's fault; where that cannot be written either, by exit code."""
    try:
        folder = Path(json.loads(job.read_bytes())["folder"])
        if (why := files.refused(error, folder.parents[2])) is None:  # the store: the run's own files lie there too
            raise error
        failure = {"kind": type(why).__name__, "message": why.message, "hint": why.hint}
        files.write_durable(folder / "failure.json", json.dumps(failure))
    except OSError as again:
        if files.refused(again, Path("/")) is None:
            raise
        os._exit(files.NO_ROOM)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv))
    except OSError as refused:
        sys.exit(_say_why(Path(sys.argv[1]), refused))
