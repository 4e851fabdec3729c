"""What happened in one apply, line by line, written before anyone is told. And the runs there have been."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ryot import files


class Journal:
    """Appends to a run's journal.jsonl; every line that is to be durable is on disk when `write` returns."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "journal.jsonl"

    def write(self, event: Mapping[str, Any], *, durable: bool = True) -> None:
        """One event with the time it was written (UTC). Where it need not be `durable`, a crash of the machine may take it; one of ryot
        does not, and the next durable one takes it along."""
        line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **event})
        files.append_durable(self._path, line.encode() + b"\n", sync=durable)


@dataclass(frozen=True, slots=True)
class Run:
    """One apply: its id and its folder with spec.yaml, plan.json and journal.jsonl."""

    id: str
    folder: Path

    @property
    def plan(self) -> Path:
        """plan.json."""
        return self.folder / "plan.json"

    @property
    def spec(self) -> Path:
        """spec.yaml, as it was."""
        return self.folder / "spec.yaml"

    def events(self) -> Iterator[dict[str, Any]]:
        """The journal's events; a line that is none, such as the last one that a crash cut short, is passed over."""
        try:
            lines = (self.folder / "journal.jsonl").read_bytes().splitlines()
        except OSError:
            return
        for line in lines:
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(event, dict) and isinstance(event.get("event"), str) and isinstance(event.get("node", ""), str):
                yield event


def begin(runs: Path, name: str, now: datetime, spec_text: str, plan_json: str) -> Run:
    """Make the folder of a new run. `now` (UTC) gives its id, which sorts by time to the second; where a clock was set back meanwhile, it
    sorts behind the runs there are all the same."""
    identity = f"{_behind(runs, now):%Y%m%d-%H%M%S}-{name}-{secrets.token_hex(2)}"
    run = Run(identity, runs / identity)
    files.write_durable(run.spec, spec_text)
    files.write_durable(run.plan, plan_json)
    return run


def _behind(runs: Path, now: datetime) -> datetime:
    times = [time for path in runs.glob("*/") if (time := _time_of(path.name)) is not None]
    newest = max(times, default=now)
    return now if newest < now + timedelta(seconds=1) else newest + timedelta(seconds=1)


def _time_of(name: str) -> datetime | None:
    try:
        return datetime.strptime(name[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def all_runs(runs: Path, name: str | None = None) -> list[Run]:
    """The runs there have been, oldest first; of one spec, if named. A folder without a plan is none."""
    plans = sorted(runs.glob("*/plan.json"), key=lambda plan: (plan.parent.name[:15], plan.stat().st_mtime_ns))
    found = [Run(plan.parent.name, plan.parent) for plan in plans]
    return [run for run in found if name is None or run.id[16:].rsplit("-", 1)[0] == name]
