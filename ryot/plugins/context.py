"""What a running stage may touch: its inputs, its two folders, its services, and the ways to report, measure and spawn."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ryot import files, processes
from ryot.errors import NodeError
from ryot.measures import Evidence, Measure, Target
from ryot.plugins.away import Away, Machine

if TYPE_CHECKING:
    from ryot.check.verdict import Verdict

Event = dict[str, object]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service listens. `url` has no trailing slash; `model` is the name it serves; `info` is what else it says."""

    url: str
    model: str = ""
    info: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class StageContext:
    """One node's view of the world. `out` is committed when `run` returns; `scratch` outlives a crash, so put checkpoints there."""

    node: str
    inputs: Mapping[str, Path]
    out: Path
    scratch: Path
    services: Mapping[str, Endpoint]
    declared: Mapping[str, Measure]
    device: str
    cpus: int
    emit: Callable[[Event], None]
    log: Path
    evidence: dict[str, Evidence] = field(default_factory=dict)
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)
    replicas: list[subprocess.Popen[bytes]] = field(default_factory=list)
    lacking: dict[str, str] = field(default_factory=dict)
    machines: tuple[Machine, ...] = ()
    """The machines this node was given, this one first; empty where it has this one only."""
    away: list[Away] = field(default_factory=list)
    _last_report: float = 0.0

    def say(self, text: str) -> None:
        """One line for the node's log, with the time of day."""
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    def report(self, *, done: float, total: float, unit: str = "", force: bool = False, **numbers: float | str) -> None:
        """Progress for the live display, with the numbers to show beside the bar (`loss=2.31`). At most ten a second pass."""
        now = time.monotonic()
        if force or done >= total or now - self._last_report >= 0.1:
            self._last_report = now
            self.emit({"event": "progress", "done": done, "total": total, "unit": unit, "numbers": numbers})

    def warn(self, text: str) -> None:
        """Something the user should know of the result, though it is no failure: shown at once, kept in journal and log."""
        self.say(f"note: {text}")
        self.emit({"event": "warning", "text": text})

    @property
    def unmeasured(self) -> list[str]:
        """Declared measures, the optional ones left out, that have no evidence yet."""
        return sorted(name for name, measure in self.declared.items() if not measure.optional and name not in self.evidence)

    def measure(self, name: str, value: float | None = None, **evidence: object) -> None:
        """Record the raw evidence of a declared measure: value=, or hits= and of=, or samples=, or pairs=. Raises NodeError."""
        if name not in self.declared:
            raise NodeError(f"{self.node} measured {name!r}, which it does not declare; it declares {sorted(self.declared)}")
        self.evidence[name] = Evidence.model_validate({"value": value, **evidence})

    def lack(self, name: str, why: str) -> None:
        """Say why an optional measure stays without evidence; a target on it is told so."""
        self.lacking[name] = why

    def bounds(self, name: str, confidence: float = 0.95) -> tuple[float, float]:
        """The one-sided lower and upper bound of what was measured, each at `confidence`, as a verdict reckons them; infinite where the
        samples are too few. Raises KeyError for what was not measured."""
        from ryot.check.statistics import interval  # noqa: PLC0415 - few stages ask, and all would import numpy

        return interval(self.declared[name], self.evidence[name], confidence)

    def judged(self, target: Target) -> Verdict:
        """What a verdict says of a target by what was measured so far: ERROR where its measure is missing. Waivers play no part."""
        from ryot.check.judge import Measured, judge  # noqa: PLC0415 - few stages ask, and all would import numpy

        found = Measured(self.declared[target.name], self.evidence[target.name]) if target.name in self.evidence else None
        plain = target.model_copy(update={"waiver": None})
        lacking = {f"{target.node}/{name}": why for name, why in self.lacking.items()}
        return judge((plain,), {target.measure: found} if found else {}, lacking, date.min)[0]

    def write(self, name: str, data: bytes | str) -> Path:
        """Write a file below `out`, durably: beside, fsync, rename. Returns its path."""
        path = self.out / name
        files.write_durable(path, data)
        return path

    def spawn(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        pass_fds: Sequence[int] = (),
        replica: bool = False,
    ) -> subprocess.Popen[bytes]:
        """Start a program that dies with this node, in a session of its own; `env` is added to this process's environment.

        Its output goes to the node's log, or to `log`; it keeps the open files `pass_fds`. A service ends with any program it started;
        with a `replica` only when no other one is left. Call it from the main thread.
        """
        environ = dict(os.environ) | dict(env or {})
        with (log or self.log).open("ab") as file:
            child = processes.spawn(argv, env=environ, stdout=file, pass_fds=pass_fds)
        self.children.append(child)
        if replica:
            self.replicas.append(child)
        return child

    def spawn_at(self, machine: Machine, argv: Sequence[str], *, env: Mapping[str, str] | None = None, log: Path) -> Away:
        """Start a program on a further machine of this node; it dies with this node. Its environment is this process's, as far as that
        means the same there, and `env`; its output goes to `log`, which both machines see. Call it from the main thread."""
        self.away.append(Away(machine, argv, env or {}, log))
        return self.away[-1]

    def execute(self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, log: Path | None = None) -> None:
        """Spawn a program and wait for its end. Raises NodeError, naming the program and its exit code, when it fails."""
        code = self.spawn(argv, env=env, log=log).wait()
        if code != 0:
            raise NodeError(f"`{Path(argv[0]).name} {' '.join(argv[1:4])} ...` {_ended(code)}", hint=f"its output is in {log or self.log}")

    @property
    def python(self) -> str:
        """The interpreter to start Python programs with."""
        return sys.executable


def _ended(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
