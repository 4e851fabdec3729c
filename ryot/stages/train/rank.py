"""One training process: `python -m ryot.stages.train.rank JOB.json`, started by torchrun. It resumes from the newest whole checkpoint."""

import json
import math
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from ryot.plugins import NodeError, write_durable
from ryot.stages.train import checkpoint, memory
from ryot.stages.train import model as models
from ryot.stages.train.child import Progress, begin
from ryot.stages.train.documents import Documents, identity, specials
from ryot.stages.train.heldout import document_losses
from ryot.stages.train.probe import refuse_emulated, refuse_offload
from ryot.stages.train.stage import TrainConfig
from ryot.stages.train.tracking import Trackers
from ryot.stages.train.trainer import Trainer, Update
from ryot.stages.train.world import join, leave


@dataclass
class Run:
    """A run as far as it has come."""

    updates: list[dict[str, float]]
    seconds: list[float]
    evaluations: list[dict[str, float]]
    resumed: int = 0


def main(path: Path) -> None:
    """Train to the end, evaluate, and leave the results in the job's folder."""
    job: dict[str, Any] = json.loads(path.read_text())
    progress = begin(job)
    config = TrainConfig.model_validate(job["config"])
    tokens = Path(job["tokens"])
    world = join(Path(job["meeting"]), job["device"])
    refuse_offload(config.recipe.offload, world.device)
    refuse_emulated(config.recipe.precision, world.device)
    documents = Documents(tokens, "train", config.model.context, config.recipe.samples)
    trainer = Trainer(config, documents, specials(tokens), world)
    if config.recipe.warmup_steps >= trainer.updates:
        raise NodeError(f"train.warmup_steps is {config.recipe.warmup_steps} of {trainer.updates} updates", hint="about 5 % is usual")
    heldout = Documents(tokens, "heldout", config.model.context)
    run = _resume(trainer, Path(job["checkpoints"]), identity(tokens), progress)
    trackers = Trackers(config.track if world.first else (), Path(job["tracking"]), len(run.updates))
    _train(trainer, run, Outside(Path(job["checkpoints"]), identity(tokens), heldout, progress, trackers))
    _finish(trainer, run, heldout, Path(job["results"]), progress)
    trackers.note(len(run.updates), {"heldout_loss": run.evaluations[-1]["loss"]})
    trackers.close()
    leave(world)


@dataclass(frozen=True, slots=True)
class Outside:
    """What a run reads and writes beside its weights: the folder of its checkpoints, its data's identity, who is told."""

    folder: Path
    data: str
    heldout: Documents
    progress: Progress
    trackers: Trackers


def _train(trainer: Trainer, run: Run, outside: Outside) -> None:
    """All the updates that are still to be done."""
    config = trainer.config
    for index in range(len(run.updates), trainer.updates):
        before = _checksum(trainer) if index == 0 else 0.0
        update = trainer.update(index)
        if index == 0 and not update.skipped:
            _refuse_still(trainer, before)
        _note(run, update)
        outside.progress.update(index, trainer.updates, update)
        told = {"loss": update.loss, "lr": update.lr, "grad_norm": update.grad_norm, "tokens_per_s": update.tokens / update.seconds}
        outside.trackers.note(index + 1, told)
        last = index + 1 == trainer.updates
        if config.evaluate_every and (index + 1) % config.evaluate_every == 0 and not last:
            _evaluate(trainer, run, outside.heldout)
            outside.trackers.note(index + 1, {"heldout_loss": run.evaluations[-1]["loss"]})
        if (index + 1) % config.checkpoint_every == 0 or last:
            _refuse_bad_weights(trainer, index)
            _save(trainer, run, outside)


def _save(trainer: Trainer, run: Run, outside: Outside) -> None:
    """A checkpoint after the updates so far."""
    config, done = trainer.config, len(run.updates)
    recent = [entry["loss"] for entry in run.updates[-config.checkpoint_every :]]
    state: dict[str, Any] = {**asdict(run), "data": outside.data, "score": sum(recent) / len(recent)}
    state["epoch"] = done // config.recipe.updates_per_epoch(trainer.documents.count)
    checkpoint.save(outside.folder, done, trainer, state)
    if trainer.world.first:
        checkpoint.rotate(outside.folder, config.keep_checkpoints)


def _evaluate(trainer: Trainer, run: Run, heldout: Documents) -> list[float]:
    """The held-out documents' losses after the updates so far. Draws no random number; its time is no update's."""
    with torch.compiler.set_stance("force_eager"), trainer.engine.full():
        losses = document_losses(trainer.engine.model, heldout, trainer.pad, trainer.world)
    run.evaluations.append({"update": len(run.updates), "loss": math.fsum(losses) / len(losses)})
    return losses


def _resume(trainer: Trainer, folder: Path, data: str, progress: Progress) -> Run:
    found = checkpoint.newest(folder) if trainer.world.first else None
    update = int(trainer.world.first_says(int(found.name[-8:]) if found else 0))
    if not update:
        return Run([], [], [])
    state = checkpoint.restore(folder / f"update-{update:08d}", trainer)
    if state["data"] != data:
        raise NodeError(f"the checkpoint after update {update} was made from other data", hint=f"remove {folder}")
    other = "" if state["ranks"] == trainer.world.size else f" on {trainer.world.size} ranks, from a checkpoint of {state['ranks']}"
    progress.say(f"resumed after update {update} of {trainer.updates}{other}")
    return Run(state["updates"], state["seconds"], state["evaluations"], state["resumed"] + 1)


def _note(run: Run, update: Update) -> None:
    entry = asdict(update)
    run.seconds.append(entry.pop("seconds"))
    run.updates.append(entry)


def _checksum(trainer: Trainer) -> float:
    return sum(float(master.detach().double().sum()) for master in trainer.engine.masters)


def _refuse_still(trainer: Trainer, before: float) -> None:
    """An engine can drop every update without a word (bf16 overflow); then no weight ever moves."""
    if trainer.world.largest(float(_checksum(trainer) != before)) == 0.0:
        raise NodeError("the first update left every weight as it was", hint="use precision fp32, or a higher train.lr")


def _refuse_bad_weights(trainer: Trainer, index: int) -> None:
    """A weight that takes no part in any loss can be no number unseen; such weights are never written."""
    if trainer.world.largest(float(not math.isfinite(_checksum(trainer)))):
        raise NodeError(f"a weight is no number after update {index + 1}", hint="lower train.lr; the last good checkpoint is kept")


def _finish(trainer: Trainer, run: Run, heldout: Documents, results: Path, progress: Progress) -> None:
    """Held-out losses, the weights, and what the run was."""
    progress.say("evaluating on the held-out documents")
    start = time.perf_counter()
    losses = _evaluate(trainer, run, heldout)
    tensors, rss = trainer.world.total(memory.tensor_bytes(trainer), memory.peak_rss())
    with trainer.engine.whole() as model:
        if trainer.world.first:
            results.mkdir(parents=True, exist_ok=True)
            _save_weights(model, results)
            model.config.save_pretrained(results)
            report = {
                "initial_weights": trainer.initial_weights,
                "parameters": trainer.parameters,
                "trainable": models.parameter_count(model, trainable=True),
                "updates": run.updates,
                "heldout": losses,
                "evaluations": run.evaluations,
                "seconds": run.seconds,
                "resumed": run.resumed,
                "evaluation_s": time.perf_counter() - start,
                "memory_tensors": tensors,
                "memory_rss": rss,
                "tuning": trainer.tuner.state(),
                "updates_per_epoch": trainer.config.recipe.updates_per_epoch(trainer.documents.count),
            }
            write_durable(results / "result.json", json.dumps(report))


def _save_weights(model: Any, results: Path) -> None:
    """Tied weights once. `save_pretrained` is left to a model of its own: here parameters may belong to DeepSpeed."""
    tensors = {name: parameter.detach().cpu().contiguous().clone() for name, parameter in model.named_parameters()}
    save_file(tensors, results / "model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
