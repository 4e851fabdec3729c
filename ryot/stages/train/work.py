"""The `train` stage, heavy half: starts the ranks, shows their progress, and turns what they leave into weights, history and measures."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ryot.plugins import StageContext, write_durable
from ryot.stages.train.diagnosis import OutOfMemory
from ryot.stages.train.launch import Ranks, launch
from ryot.stages.train.shortage import smaller
from ryot.stages.train.stage import Recipe, TrainConfig
from ryot.stages.windows import settled, settled_rates

MODULE = "ryot.stages.train.rank"
"""What every rank runs."""


def run(config: TrainConfig, context: StageContext) -> None:
    """Train in torchrun's processes. Raises NodeError with the failing rank's own words."""
    result = train(config, context, lambda line: show(line, context))
    _write(config, context, result)
    _measure(context, result)


def train(config: TrainConfig, context: StageContext, on_line: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Run the ranks to their end, from the newest checkpoint in the node's scratch; what they tell. Their weights are in `results`."""
    results = context.scratch / "results"
    shutil.rmtree(results, ignore_errors=True)
    shortages = _Shortages(context.scratch / "shortages.json")
    recipe = config.recipe.model_copy(update=shortages.last)
    while True:
        try:
            _launch(config.model_copy(update={"recipe": recipe}), context, on_line)
            break
        except OutOfMemory as error:
            less = smaller(recipe)
            if config.on_out_of_memory == "stop" or less is None or not error.update:
                raise
            context.warn(
                f"{error.message}; it goes on after its last checkpoint with micro-batches of {less.batch_size} instead of "
                f"{recipe.batch_size} documents, {less.accumulation} to an update, as train.on_out_of_memory says"
            )
            shortages.add(error.place, less)
            recipe = less
    result: dict[str, Any] = json.loads((results / "result.json").read_text())
    return result | {"shortages": shortages.found}


def _launch(config: TrainConfig, context: StageContext, on_line: Callable[[dict[str, Any]], None]) -> None:
    job = {
        "config": config.model_dump(mode="json"),
        "tokens": str(context.inputs["tokens"]),
        "checkpoints": str(context.scratch / "checkpoints"),
        "results": str(context.scratch / "results"),
        "tracking": str(context.scratch / "tracking"),
    }
    launch(Ranks(MODULE, config.recipe.ranks, job), context, on_line)


class _Shortages:
    """Where memory ran out so far, and with which micro-batch the run went on. It outlives a crash, so that no size is tried twice."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.found: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []

    @property
    def last(self) -> dict[str, Any]:
        """The changes to the recipe that hold now."""
        return {name: self.found[-1][name] for name in ("batch_size", "accumulation")} if self.found else {}

    def add(self, place: str, recipe: Recipe) -> None:
        """Note a shortage and the recipe to go on with."""
        self.found.append({"at": place, "batch_size": recipe.batch_size, "accumulation": recipe.accumulation})
        write_durable(self._path, json.dumps(self.found))


def show(line: dict[str, Any], context: StageContext) -> None:
    """One progress line of rank 0, for the log or the live display."""
    if "say" in line:
        context.say(line["say"])
    elif "warn" in line:
        context.warn(line["warn"])
    else:
        context.report(**line)


def _write(config: TrainConfig, context: StageContext, result: dict[str, Any]) -> None:
    for name in ("config.json", "model.safetensors"):
        context.write(name, (context.scratch / "results" / name).read_bytes())
    history = {name: result[name] for name in ("initial_weights", "parameters", "trainable", "updates", "heldout", "evaluations")}
    history |= {"epochs": epochs(result), "padding_removed": padding_removed(result["updates"])}
    history |= {"diverged": result["diverged"], "shortages": result["shortages"]}
    history["asked_ratio"] = config.compressor.ratio if config.compressor else None
    context.write("history.json", json.dumps(history, sort_keys=True))
    keep_tracking(context)
    timings = {name: result[name] for name in ("seconds", "evaluation_s", "resumed", "tuning", "memory_tensors")}
    context.write("timings.json", json.dumps(timings, sort_keys=True))
    choices = result["tuning"]["chosen"]
    context.say(f"choices: {json.dumps(choices)}; padding removed {history['padding_removed']:.1%}")


def keep_tracking(context: StageContext) -> None:
    """What the trackers wrote, beside the weights; logs of theirs are left out, and event files' names, which bear the machine's."""
    folder = context.scratch / "tracking"
    for number, path in enumerate(sorted(folder.glob("tensorboard/events.*"))):
        context.write(f"tensorboard/events.out.tfevents.{number}", path.read_bytes())
    for path in sorted(folder.glob("wandb/**/*.wandb")):
        context.write(f"wandb/{path.parent.name}/{path.name}", path.read_bytes())
    for path in folder.glob("mlflow/mlflow.db"):
        context.write("mlflow/mlflow.db", path.read_bytes())


def epochs(result: dict[str, Any]) -> list[dict[str, float]]:
    """Per epoch: its updates, its real tokens, and its mean training loss over them."""
    size, updates = result["updates_per_epoch"], result["updates"]
    found = []
    for start in range(0, len(updates), size):
        part = updates[start : start + size]
        tokens = sum(update["tokens"] for update in part)
        loss = math.fsum(update["loss"] * update["tokens"] for update in part) / tokens
        found.append({"epoch": start // size, "updates": len(part), "tokens": tokens, "loss": loss})
    return found


def padding_removed(updates: list[dict[str, float]]) -> float:
    """The share of row positions that was not computed, of those that one padded document a row would have taken."""
    plain = sum(update["plain"] for update in updates)
    return 1 - sum(update["positions"] for update in updates) / plain


def _measure(context: StageContext, result: dict[str, Any]) -> None:
    updates, seconds = result["updates"], result["seconds"]
    bad = sum(not (math.isfinite(update["loss"]) and math.isfinite(update["grad_norm"])) for update in updates)
    context.measure("final_loss", samples=tuple(result["heldout"]))
    context.measure("train_loss", epochs(result)[-1]["loss"])
    context.measure("tokens_per_s", samples=settled_rates([update["tokens"] for update in updates], seconds))
    context.measure("step_time", samples=tuple(seconds[settled(len(seconds)) :]))
    context.measure("total_time", math.fsum(seconds))
    context.measure("parameters", result["parameters"])
    context.measure("updates", len(updates))
    context.measure("max_grad_norm", max(update["grad_norm"] for update in updates))
    context.measure("bad_updates", bad, of=len(updates))
    context.measure("divergences", int(result["diverged"] > 0))
    context.measure("skipped_updates", sum(int(update["skipped"]) for update in updates), of=len(updates))
    context.measure("padding_removed", padding_removed(updates))
    context.measure("memory_tensors", result["memory_tensors"])
    context.measure("memory_rss", result["memory_rss"])
