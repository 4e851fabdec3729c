"""A program on a further machine of a node, seen from its first: held by a connection that ends with this process, and ends the program.

What the connection is (ssh, srun, Ray) only the backend knows: it gives a command, which reaches `ryot.agent` over there.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ryot import processes
from ryot.errors import LostMachine, MachineError
from ryot.plugins.device import kind_here

_TAIL = 2000
"""Characters of what a connection wrote that are told."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that a node was given. `address` is where its others reach it; `hold` is the command, run on the first of them, that starts
    ryot's agent on this one and holds it by its standard input. It is empty for the first."""

    name: str
    address: str
    hold: tuple[str, ...] = ()


class Away:
    """A program on a further machine. It may wait there for the machine to be free, runs, and ends; or its machine is lost."""

    def __init__(self, machine: Machine, argv: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        """Reach the machine and send the order; the program writes to `log`, a path that both machines see. Call it from the main thread.
        Raises MachineError where the command of the connection cannot be started."""
        self.machine, self.log = machine, log
        self._said: dict[str, Any] = {}
        self._rest = b""
        self._connection = log.with_name(f"{log.stem}.connection.log")
        log.touch()
        try:
            with self._connection.open("wb") as file:
                self._process = processes.spawn(machine.hold, stdout=file, piped=True)
        except OSError as error:
            raise MachineError(f"cannot start {machine.hold[0]}, which reaches {machine.name}: {error.strerror}") from None
        assert self._process.stdout
        os.set_blocking(self._process.stdout.fileno(), False)
        order = {"argv": list(argv), "environ": {**processes.carried(os.environ), **env}, "cwd": str(Path.cwd()), "log": str(log)}
        self._write(json.dumps(order | {"device": kind_here()}).encode() + b"\n")

    def begin(self, within_s: float, emit: Callable[[dict[str, object]], None]) -> None:
        """Wait until the program runs; an event is emitted of who has the machine meanwhile. Raises LostMachine, also where it does not run
        within `within_s` seconds, and MachineError where the machine is unfit."""
        deadline, told = time.monotonic() + within_s, ""
        assert self._process.stdout
        with selectors.DefaultSelector() as watched:
            watched.register(self._process.stdout, selectors.EVENT_READ)
            while not self._said.get("begun") and self.poll() is None:
                if (holder := str(self._said.get("waits", ""))) != told:
                    emit({"event": "waiting", "holder": f"on {self.machine.name} {(told := holder)}"})
                if (left := deadline - time.monotonic()) <= 0:
                    why = f"{told} has it" if told else "it does not answer"
                    raise LostMachine(
                        f"the machine {self.machine.name} was not to be had within {within_s:.0f} s: {why}", self.machine.name
                    )
                watched.select(left)
                self._listen()

    def poll(self) -> int | None:
        """The program's exit code (negative: the signal that ended it); None while it runs. Raises LostMachine where the connection ended
        without a word of that, MachineError where the machine is unfit."""
        self._listen()
        code = self._process.poll()
        if code is None:
            return None
        self._listen()  # what it said between the last look and its end
        if "refused" in self._said:
            raise MachineError(f"the machine {self.machine.name} cannot take part: {self._said['refused']}")
        if "ended" not in self._said:
            words = self._connection.read_text(errors="replace").strip()[-_TAIL:]
            hint = f"the connection said: {words}" if words else None
            raise LostMachine(f"the machine {self.machine.name} was lost: its connection ended ({code})", self.machine.name, hint=hint)
        return int(self._said["ended"])

    def let_go(self) -> None:
        """Have the program end, and wait for nothing: of several, all end at the same time."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def end(self, within_s: float) -> None:
        """End the program, and wait until nothing of it is left there, `within_s` seconds at most; then the connection is cut, at whose end
        it ends too."""
        self.let_go()
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _write(self, data: bytes) -> None:
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # the connection failed already, as its end will tell
            self._process.stdin.write(data)
            self._process.stdin.flush()

    def _listen(self) -> None:
        """Take in the agent's words: lines of JSON. What else comes over the connection, such as a greeting, is passed over."""
        assert self._process.stdout
        while data := self._process.stdout.read():
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                with contextlib.suppress(ValueError):
                    said = json.loads(line)
                    self._said |= said if isinstance(said, dict) else {}
