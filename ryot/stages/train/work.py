"""The `train` stage, heavy half: starts the ranks, shows their progress, and turns what they leave into weights, history and measures."""

import json
import math
import shutil
from typing import Any

from ryot.plugins import StageContext
from ryot.stages.train.launch import Ranks, launch
from ryot.stages.train.stage import TrainConfig


def run(config: TrainConfig, context: StageContext) -> None:
    """Train in torchrun's processes. Raises NodeError with the failing rank's own words."""
    results = context.scratch / "results"
    job = {
        "config": config.model_dump(mode="json"),
        "tokens": str(context.inputs["tokens"]),
        "checkpoints": str(context.scratch / "checkpoints"),
        "results": str(results),
        "tracking": str(context.scratch / "tracking"),
    }
    shutil.rmtree(results, ignore_errors=True)
    launch(Ranks("ryot.stages.train.rank", config.recipe.ranks, job), context, lambda line: show(line, context))
    result: dict[str, Any] = json.loads((results / "result.json").read_text())
    _write(config, context, result)
    _measure(context, result)


def show(line: dict[str, Any], context: StageContext) -> None:
    """One progress line of rank 0, for the log or the live display."""
    if "say" in line:
        context.say(line["say"])
    else:
        context.report(**line)


def _write(config: TrainConfig, context: StageContext, result: dict[str, Any]) -> None:
    for name in ("config.json", "model.safetensors"):
        context.write(name, (context.scratch / "results" / name).read_bytes())
    history = {name: result[name] for name in ("initial_weights", "parameters", "trainable", "updates", "heldout", "evaluations")}
    history |= {"epochs": epochs(result), "padding_removed": padding_removed(result["updates"])}
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
    speeds = [update["tokens"] / taken for update, taken in zip(updates, seconds, strict=True)]
    bad = sum(not (math.isfinite(update["loss"]) and math.isfinite(update["grad_norm"])) for update in updates)
    context.measure("final_loss", samples=tuple(result["heldout"]))
    context.measure("train_loss", epochs(result)[-1]["loss"])
    context.measure("tokens_per_s", samples=tuple(speeds[min(math.ceil(len(speeds) / 10), len(speeds) - 1) :]))
    context.measure("step_time", samples=tuple(seconds[min(math.ceil(len(seconds) / 10), len(seconds) - 1) :]))
    context.measure("total_time", math.fsum(seconds))
    context.measure("parameters", result["parameters"])
    context.measure("updates", len(updates))
    context.measure("max_grad_norm", max(update["grad_norm"] for update in updates))
    context.measure("bad_updates", bad, of=len(updates))
    context.measure("skipped_updates", sum(int(update["skipped"]) for update in updates), of=len(updates))
    context.measure("padding_removed", padding_removed(updates))
    context.measure("memory_tensors", result["memory_tensors"])
    context.measure("memory_rss", result["memory_rss"])
