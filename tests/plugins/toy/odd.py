"""Stages that misbehave, each in the way it is told to, for tests of what the engine makes of it."""

import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable

from ryot.plugins import Endpoint, Measure, NodeError, Service, Stage, StageConfig, StageContext


class OddConfig(StageConfig):
    how: str


def _fork(context: StageContext) -> None:
    child = os.fork()
    if child == 0:
        context.measure("found", 1)  # goes on as if it were the worker
        return
    os.waitpid(child, 0)
    raise NodeError("the parent failed")


def _daemon(context: StageContext) -> None:
    if os.fork():
        os._exit(0)
    os.setsid()
    time.sleep(600)


def _closed_output(context: StageContext) -> None:
    sys.stdout.close()
    sys.stderr.close()
    raise NodeError("said in vain", hint="look here")


def _thread(context: StageContext) -> None:
    threading.Thread(target=time.sleep, args=(600,)).start()


def _socket(context: StageContext) -> None:
    os.chdir(context.out)
    socket.socket(socket.AF_UNIX).bind("listening")


def _replaced(context: StageContext) -> None:
    shutil.rmtree(context.out)
    context.write("late.txt", "x")


def _noise(context: StageContext) -> None:
    for said in (
        {"event": "ready"}, {"event": "ready", "url": "x", "model": "", "info": {}}, {"event": "progress"}, {"event": ["progress"]},
        {"event": "progress", "done": "many", "total": None, "unit": 3, "numbers": []}, {"event": "waiting"},
        {"event": "warning", "text": 7},
        {"event": "progress", "done": float("nan"), "total": 1, "unit": "", "numbers": {}}, {},
    ):  # fmt: skip
        context.emit(said)
    context.emit({"event": "progress", "done": 1, "total": 2, "unit": "x" * 1_000_000, "numbers": {"a": [1], "b": 2}})


def _bytes_name(context: StageContext) -> None:
    raise NodeError(f"cannot read {os.fsdecode(b'caf' + bytes([233]))}")


def _commands(context: StageContext) -> None:
    """Says what would command a terminal, wherever a stage may say something."""
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r"
    context.say(f"log {evil}")
    context.warn(f"warning {evil}")
    context.report(done=1, total=2, unit=f"unit {evil}", force=True, name=f"number {evil}", **{f"field {evil}": 1.0})
    print(f"printed {evil}", flush=True)
    context.write("evil\x1b]0;owned\x07.txt", evil)
    raise NodeError(f"failure {evil}", hint=f"hint {evil}")


WAYS: dict[str, Callable[[StageContext], object]] = {
    "forks": _fork,
    "daemonizes": _daemon,
    "closes its output": _closed_output,
    "leaves a thread": _thread,
    "leaves a socket": _socket,
    "leaves a link": lambda context: (context.out / "link").symlink_to(context.scratch),
    "leaves a dangling link": lambda context: (context.out / "link").symlink_to("nowhere"),
    "leaves a pipe": lambda context: os.mkfifo(context.out / "pipe"),
    "removes its result": lambda context: shutil.rmtree(context.out),
    "replaces its result": _replaced,
    "exits": lambda context: sys.exit(0),
    "is interrupted": lambda context: (_ for _ in ()).throw(KeyboardInterrupt),
    "makes noise": _noise,
    "finds nothing": lambda context: None,
    "finds nan": lambda context: context.measure("found", float("nan")),
    "finds what it did not declare": lambda context: context.measure("else", 1),
    "names a file in other bytes": _bytes_name,
    "crashes": lambda context: {}[context.node],
    "commands the terminal": _commands,
    "writes unicode": lambda context: context.write("Größe/数 据\u202e.txt", "x"),
}


class Odd(Stage):
    """Does what `how` says, then measures."""

    name = "odd"
    Config = OddConfig
    takes = "documents"
    gives = "documents"
    measures = (Measure(name="found", kind="exact"),)

    def run(self, config: OddConfig, context: StageContext) -> None:
        WAYS[config.how](context)
        if not config.how.startswith("finds"):
            context.measure("found", 1)


class BriefConfig(StageConfig):
    words: str = ""


class Brief(Service):
    """A service that is gone by the time it says that it is ready."""

    name = "brief"
    Config = BriefConfig

    def start(self, config: BriefConfig, context: StageContext) -> Endpoint:
        child = context.spawn([sys.executable, "-c", "raise SystemExit(7)"])
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        return Endpoint("http://127.0.0.1:9")
