"""Holds a node's program on a further machine: `python -P -m ryot.agent JOB.json MARK`, over the connection that a backend has made.

Standard input has the order, one line of JSON; its end is the end of the program, whether it was closed or the connection broke. Standard
output has the agent's words, a line of JSON each: `waits` for whom, `begun`, `ended` with which exit code, `refused` and why.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from ryot import files, keeper, processes
from ryot.plugins.device import kind_here

_STOP = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_HEARD = _STOP | {signal.SIGCHLD}


def main(argv: list[str]) -> int:
    """Carry out an order. Exit code 0 when the program's end was told, 1 when it was refused."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    file, mark = Path(argv[1]), argv[2]
    line = _line()
    if not line:
        return 1  # who asked is gone already
    order = json.loads(line)
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)  # in the thread for good: it would take the main thread's signals, and die of them
    threading.Thread(target=_follow, daemon=True).start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
    os.environ.update(order["environ"])
    if why := _unfit(file, order):
        _say({"refused": why})
        return 1
    processes.adopt_orphans()
    held = _hold(file, os.environ.get(keeper.HELD, ""))
    processes.end(processes.marked(mark.partition(".")[0]))  # of an earlier try
    code = _keep(order, mark)
    _say({"ended": code})
    os.close(held)
    return 0


def _line() -> bytes:
    """The first line of standard input; less where it ends before. Not by sys.stdin, whose lock a thread would hold at the exit."""
    line = b""
    while not line.endswith(b"\n") and (data := os.read(0, 1 << 16)):
        line += data
    return line


def _follow() -> None:
    """Have this process told to end when standard input ends."""
    while os.read(0, 1 << 16):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _unfit(file: Path, order: dict[str, Any]) -> str:
    """Why this machine cannot carry out the order; empty where it can."""
    if not file.is_file() or not Path(order["log"]).is_file():
        return f"it does not see {order['log']}: all machines have to share the store, under the same path"
    here = kind_here()
    if json.loads(file.read_bytes())["measures_speed"] and here != order["device"]:
        return f"speed is measured there, and it has {here}, the first machine {order['device']}"
    return ""


def _hold(file: Path, held: str) -> int:
    """The lock of this machine, as a keeper takes it; it is not taken twice where this is the first machine, as in tests."""
    job = json.loads(file.read_bytes())
    path = keeper.machine_lock()
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if keeper.identity(handle) == held:
        return handle
    os.close(handle)
    return files.hold(path, lambda holder: _say({"waits": holder}), shared=not job["measures_speed"])


def _keep(order: dict[str, Any], mark: str) -> int:
    """Run the program to its end, or to the order to end it. Returns its exit code when nothing of it is left."""
    environ = {**os.environ, processes.MARK: mark}
    cwd = Path(order["cwd"]) if Path(order["cwd"]).is_dir() else None
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    with Path(order["log"]).open("ab") as log:
        program = processes.spawn(order["argv"], env=environ, cwd=cwd, stdout=log)
    _say({"begun": True})
    while program.poll() is None:
        if signal.sigwait(_HEARD) in _STOP:
            program.kill()  # what was worth keeping is on the disk
            program.wait()
    processes.end_descendants(os.getpid())
    processes.reap()
    return program.returncode


def _say(words: dict[str, object]) -> None:
    try:
        print(json.dumps(words), flush=True)
    except OSError:
        os._exit(1)  # nobody listens any more; what was started is gone, or dies with this process


if __name__ == "__main__":
    sys.exit(main(sys.argv))
