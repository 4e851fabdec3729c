"""The `sweep` stage, heavy half: starts the trials, notes those that fail, and says which values did best."""

import json
import math
from typing import Any

from ryot.plugins import NodeError, StageContext
from ryot.stages.sweep.stage import SweepConfig
from ryot.stages.sweep.study import FAILED, FINISHED, Trial
from ryot.stages.sweep.trials import Trials
from ryot.stages.train.diagnosis import OutOfMemory, Unfit
from ryot.stages.train.launch import Ranks, launch
from ryot.stages.train.work import show


def run(config: SweepConfig, context: StageContext) -> None:
    """Sweep. Raises NodeError where the spec's own values cannot be trained with, or the machine fails."""
    trials = Trials(context.scratch / "trials")
    job = {
        "config": config.model_dump(mode="json"),
        "tokens": str(context.inputs["tokens"]),
        "trials": str(trials.folder),
    }
    while True:
        try:
            launch(Ranks("ryot.stages.sweep.rank", config.train.recipe.ranks, job), context, lambda line: show(line, context))
            break
        except (Unfit, OutOfMemory) as error:
            running = trials.running()
            if running is None or running.number == 0:
                raise
            context.say(f"trial {running.number + 1}: failed: {error.message}")
            trials.fail(running, error.message)
    _tell(config, trials, context)


def _tell(config: SweepConfig, trials: Trials, context: StageContext) -> None:
    over = trials.over()
    losses = {trial.number: _losses(trials, trial) for trial in over if trial.state == FINISHED}
    best = min((trial for trial in over if trial.number in losses), key=lambda trial: (trial.loss, trial.number))
    gained = [own - chosen for own, chosen in zip(losses[0], losses[best.number], strict=True)]
    context.measure("best_loss", samples=tuple(losses[best.number]))
    context.measure("loss_reduction", samples=tuple(gained))
    context.measure("trials", len(over))
    context.measure("failed_trials", sum(trial.state == FAILED for trial in over))
    context.write("sweep.json", json.dumps(_report(config, over, losses, best), indent=1, sort_keys=True))
    mean = math.fsum(gained) / len(gained)
    if best.number == 0 or mean <= 0:
        context.say(f"none of {len(over)} trials did better than the spec's own values, on documents it was not chosen by")
        return
    lines = ", ".join(f"{name}: {value}" for name, value in best.values.items())
    context.warn(
        f"trial {best.number + 1} of {len(over)} did best, {mean:.4f} nats a token below the spec's own values "
        f"on documents it was not chosen by: {lines}. Training takes the spec's values: write these into it, and take `sweep` out"
    )


def _losses(trials: Trials, trial: Trial) -> list[float]:
    """The held-out losses that no choice was made by."""
    path = trials.of(trial.number) / "losses.json"
    if not path.exists():
        raise NodeError(f"the losses of trial {trial.number + 1} are gone from {path.parent}", hint=f"remove {trials.folder}")
    losses: list[float] = json.loads(path.read_text())
    return losses[1::2]


def _report(config: SweepConfig, over: list[Trial], losses: dict[int, list[float]], best: Trial) -> dict[str, Any]:
    rows = [
        {
            "trial": trial.number + 1,
            "values": trial.values,
            "state": trial.state,
            "loss": trial.loss,
            "loss_apart": math.fsum(losses[trial.number]) / len(losses[trial.number]) if trial.number in losses else None,
            "looks": trial.looks,
            "reason": trial.reason,
        }
        for trial in over
    ]
    scales = {dimension.field: "log" if dimension.log else dimension.kind for dimension in config.over}
    return {"trials": rows, "best": best.number + 1, "fields": scales}
