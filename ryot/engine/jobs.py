"""How a planned node becomes a job, what the job says while it runs, and what it left when it failed."""

from __future__ import annotations

import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ryot import files
from ryot.engine import events
from ryot.errors import MachineError
from ryot.fingerprint import fingerprint
from ryot.plan.plan import Plan, PlannedNode
from ryot.plugins.backend import Job, JobState
from ryot.plugins.discover import Plugin
from ryot.store.job import FAILURE, Failure, JobFile, ServiceAt
from ryot.store.journal import Run
from ryot.store.store import Store

_KILLED = {137: "was killed by signal 9, as the system does when memory runs out", 143: "was told to end", 139: "crashed (signal 11)"}


@dataclass(slots=True)
class Active:
    """A job under way, how much of what it said was read, and which word of an earlier failure was there when it was sent."""

    node: PlannedNode
    events: Path
    offset: int
    before: tuple[int, int] | None
    _file: int = field(default=0, init=False)

    def news(self) -> Iterator[Mapping[str, Any]]:
        """The whole lines that were added to the job's events since the last look; all of them where that is another job's file now, one
        that goes on."""
        try:
            with self.events.open("rb") as file:
                number = os.fstat(file.fileno()).st_ino
                if self._file not in (0, number):
                    self.offset = 0
                self._file = number
                file.seek(self.offset)
                data = file.read()
        except FileNotFoundError:
            return
        whole, newline, _ = data.rpartition(b"\n")
        self.offset += len(whole) + len(newline)
        yield from parsed(whole.splitlines())


def word_of_failure(folder: Path) -> tuple[int, int] | None:
    """Which word of a failure lies in a node's folder, told from any other that is written; None where there is none."""
    try:
        about = (folder / FAILURE).stat()
    except OSError:
        return None
    return about.st_ino, about.st_mtime_ns


def parsed(lines: list[bytes]) -> Iterator[Mapping[str, Any]]:
    """The JSON maps among lines; what a crash cut short is passed over."""
    for line in lines:
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(said, dict):
            yield said


def heard(node: PlannedNode, said: Mapping[str, Any]) -> events.Event | None:
    """What a job said as an event; None for what has not the form of one, for a stage may write what it likes."""
    match said:
        case {"event": "ready", "url": str(url), "model": str(), "info": dict()} if node.is_service:
            pid = said["info"].get("gateway_pid")
            return events.Ready(node.name, url, pid=pid if isinstance(pid, int) else 0)
        case {"event": "progress", "done": int() | float() as done, "total": int() | float() as total, "unit": str(unit)}:
            shown = said["numbers"] if isinstance(said.get("numbers"), dict) else {}
            numbers = {name: value for name, value in shown.items() if isinstance(value, int | float | str)}
            return events.Progress(node.name, done, total, unit, numbers) if math.isfinite(done) and math.isfinite(total) else None
        case {"event": "waiting", "holder": str(holder)}:
            return events.Waiting(node.name, holder)
        case {"event": "warning", "text": str(text)}:
            return events.Warned(node.name, text)
    return None


def events_file(run: Run, node: str) -> Path:
    """Where a node's job tells its progress in a run."""
    return run.folder / "jobs" / f"{node}.events.jsonl"


def write_job(
    plan: Plan, node: PlannedNode, plugin: Plugin, store: Store, run: Run, *, services: Mapping[str, ServiceAt], cpus: int
) -> Path:
    """Write a node's job file into the run. Not durably: only the worker of this run reads it, and its keeper keeps a copy.

    `services` are by node name; `cpus` is how many there are, for a node that asks for all.
    """
    sources = {slot: plan.node(name) for slot, name in node.inputs.items()}
    job = JobFile(
        node=node.name,
        stage=node.stage,
        key=node.key,
        folder=str(store.folder(node.stage, node.key).resolve()),
        events=str(events_file(run, node.name).resolve()),
        payload=node.payload,
        config=node.config,
        plugin=plugin.value,
        plugin_folder=plugin.folder,
        inputs={slot: str((store.folder(source.stage, source.key) / "out").resolve()) for slot, source in sources.items()},
        services={slot: services[name] for slot, name in node.services.items()},
        measures=node.measures,
        device=plan.device,
        cpus=node.cpus or cpus,
        is_service=node.is_service,
        measures_speed=node.measures_speed,
    )
    path = run.folder / "jobs" / f"{node.name}.json"
    files.write_passing(path, job.model_dump_json(indent=1))
    return path


def backend_job(node: PlannedNode, store: Store, run: Run, file: Path, python: str, cpus: int) -> Job:
    """What the backend is told of a node. `cpus` is how many there are, for a node that asks for all."""
    folder = store.folder(node.stage, node.key).resolve()
    mark = f"{mark_of(store, node.stage, node.key)}.{secrets.token_hex(4)}"
    events = events_file(run, node.name).resolve()
    return Job(node.name, file.resolve(), folder, mark, python, events, node.cpus or cpus, node.measures_speed, node.machines)


def mark_of(store: Store, stage: str, key: str) -> str:
    """What the marks of a node's processes begin with: one value for each node of each store."""
    return fingerprint([str(store.root.resolve()), stage, key])[:32]


def how_it_ended(code: int) -> str:
    """An exit code (negative: the signal that ended it) in words."""
    code = 128 - code if code < 0 else code
    return _KILLED.get(code, f"ended with exit code {code}")


def unsaid(state: JobState, folder: Path) -> Failure:
    """Why a job failed that left no word of it."""
    code = state.code or 0
    if state.lost:
        hint = "its shards and checkpoints are kept; apply again, or raise backend.retries"
        return Failure(kind=MachineError.__name__, message=f"the worker was lost: {state.why}", hint=hint)
    if code == files.NO_ROOM:
        message = f"nothing could be written in {folder}, not even why: its disk is full, or broken"
        return Failure(kind=MachineError.__name__, message=message, hint="make room and apply again: finished shards are kept")
    return Failure(kind="Crash", message=f"the worker {how_it_ended(code)}{f': {state.why}' if state.why else ''}")


def last_lines(log: Path, count: int = 12) -> tuple[str, ...]:
    """The end of a log."""
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - 8192, 0))
            return tuple(line.decode(errors="replace")[:300] for line in file.read().splitlines()[-count:])
    except OSError:
        return ()
