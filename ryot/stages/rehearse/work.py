"""The `rehearse` stage, heavy half: a run that is killed and goes on, and a checkpoint of the real size."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from ryot.plugins import NodeError, StageContext
from ryot.stages.rehearse.stage import RehearseConfig
from ryot.stages.train import checkpoint
from ryot.stages.train.launch import Ranks, launch
from ryot.stages.train.stage import TrainConfig
from ryot.stages.train.work import show, train

SAME_LOSS = 1e-3
"""How far a resumed update's loss may lie from the other run's, as a share, where a device adds in no fixed order. Other documents, or the
same ones in another order, change it by much more."""


def run(config: RehearseConfig, context: StageContext) -> None:
    """Raises NodeError when the resumed run is not the other one, or the restored state not the saved one."""
    if config.what == "save":
        _save(config.train, context)
    else:
        _resume(config.train, config.half, context)


def _save(config: TrainConfig, context: StageContext) -> None:
    result = context.scratch / "result.json"
    folder = context.scratch / "checkpoints"
    shutil.rmtree(folder, ignore_errors=True)
    job = {
        "config": config.model_dump(mode="json"), "tokens": str(context.inputs["tokens"]), "checkpoints": str(folder), "result": str(result)
    }  # fmt: skip
    launch(Ranks("ryot.stages.rehearse.rank", config.recipe.ranks, job), context, lambda line: show(line, context))
    found: dict[str, Any] = json.loads(result.read_text())
    shutil.rmtree(folder)
    for name in ("checkpoint_size", "save_time", "restore_time", "update_time"):
        context.measure(name, found[name])
    context.write("save.json", json.dumps(found, sort_keys=True))


class _HalfDoneError(Exception):
    """Raised, and caught, to stop a run in the middle."""


def _resume(config: TrainConfig, half: int, context: StageContext) -> None:
    shutil.rmtree(context.scratch / "checkpoints", ignore_errors=True)
    context.say(f"training, to be killed after the checkpoint of update {half}")
    try:
        train(config, context, lambda line: _stop_after(half, line, context))
    except _HalfDoneError:
        context.say("killed")
    else:
        raise NodeError(f"the run ended before update {half + 1}", hint="this is a fault of ryot")
    _keep_only(context.scratch / "checkpoints", half)
    seen: list[int] = []
    result = train(config, context, lambda line: _note(line, seen, context))
    if not seen or seen[0] != half + 1:
        raise NodeError(f"the resumed run went on with update {seen[0] if seen else 'none'}, not with {half + 1}")
    _compare(half, result, context)


def _stop_after(half: int, line: dict[str, Any], context: StageContext) -> None:
    """The checkpoint of update `half` is whole once the next update is told."""
    show(line, context)
    if line.get("done", 0) > half:
        raise _HalfDoneError


def _note(line: dict[str, Any], seen: list[int], context: StageContext) -> None:
    if "done" in line:
        seen.append(int(line["done"]))
    show(line, context)


def _keep_only(folder: Path, update: int) -> None:
    """Drop what a run wrote after `update` before it was seen to be killed. Raises NodeError when that checkpoint is not whole."""
    kept = folder / f"update-{update:08d}"
    for path in folder.iterdir():
        if path != kept:
            shutil.rmtree(path)
    if not checkpoint.whole(kept):
        raise NodeError(f"the checkpoint after update {update} is not whole although the next update was made")


def _compare(half: int, result: dict[str, Any], context: StageContext) -> None:
    """Weights on a CPU, bit for bit; elsewhere, where they differ, the losses of the updates."""
    straight = context.inputs["weights"]
    difference = _largest_difference(straight / "model.safetensors", context.scratch / "results" / "model.safetensors")
    context.measure("resumed_updates", len(result["updates"]) - half)
    context.measure("weight_difference", difference)
    if difference == 0:
        context.say("the resumed run is the other one, bit for bit")
        return
    if not context.device.startswith("cuda"):
        raise NodeError(f"the resumed run differs from the one that was not stopped: a weight by {difference:.3g}", hint=_HINT)
    others: list[dict[str, float]] = json.loads((straight / "history.json").read_text())["updates"]
    pairs = zip(result["updates"], others, strict=True)
    worst = max(abs(mine["loss"] - other["loss"]) / abs(other["loss"]) for mine, other in pairs)
    if worst > SAME_LOSS:
        raise NodeError(f"the resumed run differs from the one that was not stopped: a loss by {worst:.2%}", hint=_HINT)
    how = f"by at most {difference:.3g} in a weight, {worst:.2e} in a loss"
    context.warn(f"the resumed run differs {how}: this device adds in no fixed order")


_HINT = "a long run that resumes would not be the run that was planned; this is a fault of ryot, of DeepSpeed or of the device"


def _largest_difference(straight: Path, resumed: Path) -> float:
    """The largest difference of any weight; infinite where names, shapes or types differ."""
    one, other = load_file(straight), load_file(resumed)
    if {name: (tensor.shape, tensor.dtype) for name, tensor in one.items()} != {
        name: (tensor.shape, tensor.dtype) for name, tensor in other.items()
    }:
        return float("inf")
    if all(torch.equal(tensor, other[name]) for name, tensor in one.items()):
        return 0.0
    return max(float((tensor.double() - other[name].double()).abs().max()) for name, tensor in one.items())
