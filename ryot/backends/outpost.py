"""One job on the machine it was sent to: `python -P -m ryot.backends.outpost [REQUEST.json]`. It runs it there as `local` would here, and
leaves in a file how it ended.

Without a file the request is the first line of standard input, and the job ends when that is closed: by who sent it, or with it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import Any

from ryot.backends.local import LocalBackend
from ryot.plugins import Job, Machine, MachineError, kind_here, processes, write_durable

_GRACE_S = 10.0
_STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _Told(Exception):
    """A signal asks for the end: the first one; a second could come before the first was acted upon."""

    heard = False


def request(job: Job, ended: Path, cwd: Path, environ: Mapping[str, str] | None = None, machines: Sequence[Machine] = ()) -> str:
    """The request for a job, in one line of JSON. `ended` is where it leaves how it ended, `cwd` the folder it runs in if the machine has
    that; `environ` is laid on the machine's own environment. `machines` are the job's, its own first, where it has several."""
    told = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(job).items()}
    asked = {"job": told, "ended": str(ended), "device": kind_here(), "cwd": str(cwd), "environ": dict(environ or {})}
    return json.dumps(asked | {"machines": list(map(asdict, machines))})


def agent(job: Job, python: str) -> list[str]:
    """The command that holds a program of a job on a further machine, to be run there."""
    node, _, attempt = job.mark.partition(".")
    return [python, "-P", "-m", "ryot.agent", str(job.file), f"{node}{processes.AWAY}.{attempt}"]


def main(argv: list[str]) -> int:
    """Run the job. Exit code: its own, 128 and the signal's number where one ended it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
    for number in _STOP:
        signal.signal(number, _heard)
    asked = json.loads(Path(argv[1]).read_text() if len(argv) > 1 else sys.stdin.readline())
    os.environ.update(asked["environ"])
    if Path(asked["cwd"]).is_dir():
        os.chdir(asked["cwd"])
    for name in ("XDG_RUNTIME_DIR", "TMPDIR"):
        if not Path(os.environ.get(name, "/")).is_dir():
            del os.environ[name]  # it was made where the job was sent from
    if len(argv) == 1:
        threading.Thread(target=_follow, args=(threading.get_ident(),), daemon=True).start()
    job, why, lost = job_of(asked["job"]), "", ""
    if job.alone and kind_here() != asked["device"]:
        why = f"it measures the speed of {asked['device']}, as the plan says, and {socket.gethostname()} has {kind_here()}"
        code, told = MachineError.exit_code, False
    else:
        if machines := asked.get("machines"):
            _name(job, machines)
        code, told = _run(replace(job, machines=1))
        lost = _lost(job) if code else ""
        why = f"its machine {lost} was lost" if lost else ""
    write_durable(Path(asked["ended"]), json.dumps({"code": code, "told": told, "why": why, "lost": lost}))
    return code if code >= 0 else 128 - code


def _run(job: Job) -> tuple[int, bool]:
    """Run a job to its end. Returns its exit code, and whether it was told to end."""
    backend, told = LocalBackend(), False
    backend.submit(job)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP)
        while (code := backend.poll(job.name).code) is None:
            backend.wait(60.0)
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
    except _Told:
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
        told = True
        backend.cancel(job.name, _GRACE_S)
        code = backend.poll(job.name).code
        assert code is not None
    return code, told


def _heard(_number: int, _frame: FrameType | None) -> None:
    if not _Told.heard:
        _Told.heard = True
        raise _Told


def _follow(main_thread: int) -> None:
    """Tell the main thread to end once standard input is closed."""
    sys.stdin.read()
    signal.pthread_kill(main_thread, signal.SIGTERM)


def _name(job: Job, machines: Sequence[dict[str, Any]]) -> None:
    """Write the machines into the job's file, from which its worker knows them."""
    write_durable(job.file, json.dumps(json.loads(job.file.read_bytes()) | {"machines": machines}))


def _lost(job: Job) -> str:
    """The further machine that a job failed with, by its worker's word; empty where it failed otherwise."""
    try:
        return str(json.loads((job.folder / "failure.json").read_bytes())["machine"])
    except (OSError, ValueError, KeyError):
        return ""


def job_of(told: dict[str, Any]) -> Job:
    """The job of a request."""
    paths = {name: Path(told[name]) for name in ("file", "folder", "events")}
    return Job(**{**told, **paths})


if __name__ == "__main__":
    sys.exit(main(sys.argv))
