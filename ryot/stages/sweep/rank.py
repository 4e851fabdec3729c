"""One process of a sweep: `python -m ryot.stages.sweep.rank JOB.json`, started by torchrun. It carries out the trials that are left, one
after another; one that fails ends it."""

import gc
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ryot.plugins import NodeError, write_durable
from ryot.stages.sweep.stage import SweepConfig
from ryot.stages.sweep.study import FINISHED, PRUNED, Trial, propose, prunes, varied
from ryot.stages.sweep.trials import Running, Trials
from ryot.stages.train.child import Progress, begin
from ryot.stages.train.documents import Documents
from ryot.stages.train.pace import SLOW_S
from ryot.stages.train.rank import Folders, evaluate, start, train
from ryot.stages.train.world import World, join, leave


def main(path: Path) -> None:
    """Carry out the trials."""
    job: dict[str, Any] = json.loads(path.read_text())
    config = SweepConfig.model_validate(job["config"])
    progress = begin(job)
    world = join(Path(job["meeting"]), job["device"])
    sweep = Sweep(config, Path(job["tokens"]), Trials(Path(job["trials"])), world)
    while (running := sweep.next()) is not None:
        trial = sweep.carry_out(running, Steps(progress.path, progress.pacer, running.number, config.trials))
        if world.first:
            sweep.trials.end(trial)
        gc.collect()  # an engine and its model hold each other
        torch.cuda.empty_cache()
    leave(world)


@dataclass(frozen=True, slots=True)
class Steps(Progress):
    """The progress of one trial among all."""

    number: int
    trials: int

    def send(self, line: dict[str, Any]) -> None:
        """One JSON line, whose updates are parts of a trial."""
        if "done" in line:
            line = line | {"done": round(self.number + line["done"] / line["total"], 2), "total": self.trials, "unit": "trial"}
        Progress.send(self, line)


class _Pruned(Exception):
    """Raised, and caught, to end a trial that is not worth its end."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """The trials, seen from one rank."""

    config: SweepConfig
    tokens: Path
    trials: Trials
    world: World

    def next(self) -> Running | None:
        """The trial to carry out, the same on all ranks: the one that was interrupted, or another. None when there are no more."""
        if self.world.first:
            over, running = self.trials.over(), self.trials.running()
            if running is None or running.number < len(over):
                self.trials.begin(propose(self.config, over))
        self.world.meet()
        return self.trials.running()

    def carry_out(self, running: Running, progress: Steps) -> Trial:
        """Train, and look. Raises Unfit for values that no training survives."""
        folder = self.trials.of(running.number)
        progress.say(f"trial {running.number + 1} of {self.config.trials}: {in_words(running.values)}")
        progress.at("building the model", SLOW_S)
        there = Documents(self.tokens, "train", self.config.train.model.context, self.config.train.recipe.samples).count
        config = varied(self.config.train, running.values, self.config.documents, self.config.looks, there)
        trainer, run, outside = start(config, Folders(self.tokens, folder / "checkpoints", folder / "tracking"), self.world, progress)
        looks = _Looks(folder / "looks.json")

        def look(update: int, losses: list[float]) -> None:
            looks.add(update, choosing(losses), self.world)
            if self._gives_up(running, looks):
                raise _Pruned

        try:
            train(trainer, run, outside, look)
        except _Pruned:
            trial = Trial(running.number, running.values, PRUNED, looks.losses[-1], looks.losses)
        else:
            losses = evaluate(trainer, run, outside)
            if self.world.first:
                write_durable(folder / "losses.json", json.dumps(losses))
            trial = Trial(running.number, running.values, FINISHED, choosing(losses), looks.losses)
        progress.say(f"trial {running.number + 1}: {trial.state}, loss {trial.loss:.4f}")
        return trial

    def _gives_up(self, running: Running, looks: "_Looks") -> bool:
        """Rank 0 decides. The spec's own values are never given up: all others are held against them."""
        if not self.config.prune or running.number == 0:
            return False
        worse = self.world.first and prunes(self.config, self.trials.over(), running.values, looks.losses)
        return bool(self.world.first_says(float(worse)))


class _Looks:
    """The losses at the looks of a trial, kept by rank 0 so that a trial that goes on from a checkpoint knows its earlier ones."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}

    def add(self, update: int, loss: float, world: World) -> None:
        """The loss after so many updates."""
        self._found[str(update)] = loss
        if world.first:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_durable(self._path, json.dumps(self._found))

    @property
    def losses(self) -> tuple[float, ...]:
        """In their order."""
        return tuple(self._found.values())


def choosing(losses: Sequence[float]) -> float:
    """The mean loss of the documents by which trials are chosen: every second one. The others tell what the choice is worth."""
    if len(losses) < 2:
        raise NodeError(f"a sweep chooses by one half of the held-out documents and measures on the other: there is {len(losses)} in all")
    mine = losses[::2]
    return math.fsum(mine) / len(mine)


def in_words(values: dict[str, Any]) -> str:
    """`train.lr 0.001, model.dropout 0.1`."""
    return ", ".join(f"{name} {value}" for name, value in values.items())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
