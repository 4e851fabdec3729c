"""Where the numbers of a run go beside ryot's own history: TensorBoard's event files, W&B, MLflow. All stay on this machine.

Nothing of this bears on the weights, and no key or address is ever read or written here: what W&B keeps offline is sent by `wandb sync`.
"""

import importlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ryot.plugins import NodeError

EXTRAS = {"tensorboard": "cpu", "wandb": "wandb", "mlflow": "mlflow"}
"""The extra of ryot that brings each."""


class Tracker(Protocol):
    """One place that numbers go to."""

    def note(self, update: int, numbers: Mapping[str, float]) -> None:
        """Numbers of an update, counted from 1."""

    def close(self) -> None:
        """Nothing more comes."""


class TensorBoard:
    """Event files. Those of updates that a crash took back are marked as such."""

    def __init__(self, folder: Path, done: int) -> None:
        self._writer = _load("tensorboard", "torch.utils.tensorboard").SummaryWriter(str(folder), purge_step=done + 1 if done else None)

    def note(self, update: int, numbers: Mapping[str, float]) -> None:
        """One scalar for each number."""
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, update)

    def close(self) -> None:
        """Write what is still held."""
        self._writer.close()


class WandB:
    """A W&B run that is kept offline, below a folder, whatever the environment says."""

    def __init__(self, folder: Path, done: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["WANDB_MODE"] = "offline"
        settings = {"dir": str(folder), "mode": "offline", "project": "ryot", "name": f"from-update-{done + 1}"}
        self._run = _load("wandb", "wandb").init(**settings)

    def note(self, update: int, numbers: Mapping[str, float]) -> None:
        """One row."""
        self._run.log(dict(numbers), step=update)

    def close(self) -> None:
        """End the run."""
        self._run.finish()


class MLflow:
    """A run in a local database of MLflow's, one file in a folder."""

    def __init__(self, folder: Path, done: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._mlflow = _load("mlflow", "mlflow")
        self._mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
        self._mlflow.set_experiment("ryot")
        self._mlflow.start_run(run_name=f"from-update-{done + 1}")

    def note(self, update: int, numbers: Mapping[str, float]) -> None:
        """One metric for each number."""
        self._mlflow.log_metrics(dict(numbers), step=update)

    def close(self) -> None:
        """End the run."""
        self._mlflow.end_run()


_KINDS: dict[str, type[TensorBoard] | type[WandB] | type[MLflow]] = {"tensorboard": TensorBoard, "wandb": WandB, "mlflow": MLflow}


class Trackers:
    """All of a run's, as one."""

    def __init__(self, names: Sequence[str], folder: Path, done: int) -> None:
        """Each in a folder of its own; `done` updates were made before. Raises NodeError for one whose package is not installed."""
        self._all: list[Tracker] = [_KINDS[name](folder / name, done) for name in names]

    def note(self, update: int, numbers: Mapping[str, float]) -> None:
        """Numbers of an update, counted from 1."""
        for tracker in self._all:
            tracker.note(update, numbers)

    def close(self) -> None:
        """Nothing more comes."""
        for tracker in self._all:
            tracker.close()


def _load(name: str, module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        hint = f"install ryot[{EXTRAS[name]}], or take it out of train.track"
        raise NodeError(f"train.track names {name}, which is not installed", hint=hint) from missing
