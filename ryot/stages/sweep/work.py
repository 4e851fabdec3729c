"""The `sweep` stage, heavy half: starts the trials, notes those that fail, and says which values did best."""

import json
import math
import statistics
from typing import Any

from ryot.plugins import NodeError, StageContext
from ryot.stages.sweep.stage import Dimension, SweepConfig
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
    context.warn(_advice(config, over, best, gained))


SURE = 1.645
"""Standard errors that a mean is above zero by, where that is so at 95 %."""


def _advice(config: SweepConfig, over: list[Trial], best: Trial, gained: list[float]) -> str:
    """What to do. A gain that may be none is called so: the best of many trials looks better than it is."""
    mean = math.fsum(gained) / len(gained)
    error = statistics.stdev(gained) / math.sqrt(len(gained)) if len(gained) > 1 else math.inf
    fewer = "; no other values are left to try" if len(over) < config.trials else ""
    if best.number == 0 or mean <= SURE * error:
        return f"no trial of {len(over)} is shown to be better than the spec's own values: keep these{fewer}"
    values = ", ".join(f"{name}: {value}" for name, value in best.values.items())
    edges = [each.field for each in config.over if not each.values and _at_an_edge(each, best.values[each.field])]
    wider = f"; {', '.join(edges)} lies at an edge of its range: a wider one may hold better" if edges else ""
    return (
        f"trial {best.number + 1} of {len(over)} did best: {values}, {mean:.4f} nats a token below the spec's own values (at least "
        f"{mean - SURE * error:.4f}) on documents it was not chosen by{wider}{fewer}. Training takes the spec's values: write these into "
        "it, and take `sweep` out"
    )


def _at_an_edge(dimension: Dimension, value: float) -> bool:
    """Within a twentieth of the range from an end."""
    assert dimension.low is not None
    assert dimension.high is not None
    ends = [math.log(x) if dimension.log else x for x in (dimension.low, value, dimension.high)]
    place = (ends[1] - ends[0]) / (ends[2] - ends[0])
    return not 0.05 <= place <= 0.95


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
