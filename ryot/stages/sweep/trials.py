"""The trials on disk: those that are over, and the one that runs. What is there was written whole."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ryot.plugins import write_durable
from ryot.stages.sweep.study import FAILED, Trial, Values


@dataclass(frozen=True, slots=True)
class Running:
    """The trial that runs."""

    number: int
    values: Values


@dataclass(frozen=True, slots=True)
class Trials:
    """A folder with `over.json`, `running.json`, and a folder for each trial."""

    folder: Path

    def over(self) -> list[Trial]:
        """The trials that are over, in their order."""
        return [Trial(**{**found, "looks": tuple(found["looks"])}) for found in _read(self.folder / "over.json") or []]

    def running(self) -> Running | None:
        """The trial that runs, or did when its process ended."""
        found = _read(self.folder / "running.json")
        return None if found is None else Running(**found)

    def begin(self, values: Values | None) -> None:
        """The next trial has these values; None: there is none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        found = None if values is None else {"number": len(self.over()), "values": values}
        write_durable(self.folder / "running.json", json.dumps(found))

    def end(self, trial: Trial) -> None:
        """The running trial is over. Its checkpoints go."""
        write_durable(self.folder / "over.json", json.dumps([asdict(one) for one in [*self.over(), trial]]))
        shutil.rmtree(self.of(trial.number) / "checkpoints", ignore_errors=True)

    def fail(self, running: Running, reason: str) -> None:
        """The running trial is over, and failed."""
        self.end(Trial(running.number, running.values, FAILED, reason=reason))

    def of(self, number: int) -> Path:
        """The folder of a trial."""
        return self.folder / f"{number:04d}"


def _read(path: Path) -> Any:
    return json.loads(path.read_text()) if path.exists() else None
