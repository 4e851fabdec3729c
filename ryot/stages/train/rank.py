"""One training process: `python -m ryot.stages.train.rank JOB.json`, started by torchrun. It resumes from the newest whole checkpoint."""

import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from ryot.plugins import NodeError, write_durable
from ryot.stages.train import checkpoint, memory
from ryot.stages.train import model as models
from ryot.stages.train.child import Progress, begin
from ryot.stages.train.diagnosis import Unfit
from ryot.stages.train.divergence import Divergence
from ryot.stages.train.documents import Documents, identity, specials
from ryot.stages.train.health import Health
from ryot.stages.train.heldout import document_losses
from ryot.stages.train.pace import COMPILE_S, SLOW_S, STALL_S
from ryot.stages.train.probe import refuse_emulated, refuse_offload
from ryot.stages.train.schedule import refuse_endless_warmup
from ryot.stages.train.stage import TrainConfig
from ryot.stages.train.tracking import Trackers
from ryot.stages.train.trainer import Trainer, Update
from ryot.stages.train.world import World, join, leave


@dataclass
class Run:
    """A run as far as it has come."""

    updates: list[dict[str, float]]
    seconds: list[float]
    evaluations: list[dict[str, float]]
    resumed: int = 0
    diverged: int = 0
    """The update at which it was said that the loss has diverged; 0 when it was not."""


def main(path: Path) -> None:
    """Train to the end, evaluate, and leave the results in the job's folder."""
    job: dict[str, Any] = json.loads(path.read_text())
    progress = begin(job)
    folders = Folders(*(Path(job[name]) for name in ("tokens", "checkpoints", "tracking")))
    progress.at("building the model", SLOW_S)
    world = join(Path(job["meeting"]), job["device"])
    trainer, run, outside = start(TrainConfig.model_validate(job["config"]), folders, world, progress)
    train(trainer, run, outside)
    _finish(trainer, run, outside, Path(job["results"]))
    outside.trackers.note(len(run.updates), {"heldout_loss": run.evaluations[-1]["loss"]})
    outside.trackers.close()
    leave(world)


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a run's tokens lie, and its checkpoints and trackers' files are kept."""

    tokens: Path
    checkpoints: Path
    tracking: Path


@dataclass(frozen=True, slots=True)
class Outside:
    """What a run reads and writes beside its weights: the folder of its checkpoints, its data's identity, who is told."""

    folder: Path
    data: str
    heldout: Documents
    progress: Progress
    trackers: Trackers


def start(config: TrainConfig, folders: Folders, world: World, progress: Progress) -> tuple[Trainer, Run, Outside]:
    """A trainer, its run as far as the newest whole checkpoint has it, and what is outside. Raises NodeError for what this device cannot
    do, or the disk has no room for."""
    refuse_offload(config.recipe.offload, world.device)
    refuse_emulated(config.recipe.precision, world.device)
    documents = Documents(folders.tokens, "train", config.model.context, config.recipe.samples)
    trainer = Trainer(config, documents, specials(folders.tokens), world)
    refuse_endless_warmup(config.recipe, trainer.updates)
    checkpoint.refuse_too_little_room(folders.checkpoints, trainer)
    heldout = Documents(folders.tokens, "heldout", config.model.context)
    data = identity(folders.tokens)
    run = _resume(trainer, folders.checkpoints, data, progress)
    trackers = Trackers(config.track if world.first else (), folders.tracking, len(run.updates))
    return trainer, run, Outside(folders.checkpoints, data, heldout, progress, trackers)


Look = Callable[[int, list[float]], None]
"""Called with the number of updates so far and the held-out documents' losses."""


def train(trainer: Trainer, run: Run, outside: Outside, look: Look | None = None) -> None:
    """All the updates that are still to be done. `look` is called at every look at the held-out documents, and may raise."""
    config = trainer.config
    health = Health(trainer.engine, trainer.world)
    divergence = Divergence(trainer.updates, config.recipe.warmup_steps, config.model.vocab_size)
    divergence.recall(entry["loss"] for entry in run.updates)
    for index in range(len(run.updates), trainer.updates):
        outside.progress.at(f"update {index + 1} of {trainer.updates}", COMPILE_S if trainer.tuner.compiled(index) else STALL_S)
        update = trainer.update(index)
        health.look(trainer.place(index, update.loss), update.grad_norm)
        _note(run, update)
        _look_at_loss(divergence, trainer, run, outside)
        outside.progress.update(index, trainer.updates, update)
        told = {"loss": update.loss, "lr": update.lr, "grad_norm": update.grad_norm, "tokens_per_s": update.tokens / update.seconds}
        outside.trackers.note(index + 1, told)
        last = index + 1 == trainer.updates
        if looks_after(config, index + 1, trainer.updates) and not last:
            losses = evaluate(trainer, run, outside)
            outside.trackers.note(index + 1, {"heldout_loss": run.evaluations[-1]["loss"]})
            if look:
                look(index + 1, losses)
        if (index + 1) % config.checkpoint_every == 0 or last:
            outside.progress.at(f"the checkpoint after update {index + 1}", SLOW_S)
            _save(trainer, run, outside)


def looks_after(config: TrainConfig, done: int, updates: int) -> bool:
    """Whether the held-out loss is looked at after `done` of so many updates."""
    if config.evaluate_every and done % config.evaluate_every == 0:
        return True
    return any(done == round(number * updates / (config.looks + 1)) for number in range(1, config.looks + 1))


def evaluate(trainer: Trainer, run: Run, outside: Outside) -> list[float]:
    """The held-out documents' losses after the updates so far. Draws no random number; its time is no update's."""
    with torch.compiler.set_stance("force_eager"), trainer.engine.full():
        losses = document_losses(
            trainer.engine.model, outside.heldout, trainer.pad, trainer.world, lambda place: outside.progress.at(place, COMPILE_S)
        )
    run.evaluations.append({"update": len(run.updates), "loss": math.fsum(losses) / len(losses)})
    return losses


def _look_at_loss(divergence: Divergence, trainer: Trainer, run: Run, outside: Outside) -> None:
    """Stop a run that has diverged, or say so once where the spec lets it go on."""
    wrong = divergence.look(run.updates[-1]["loss"])
    if wrong is None or run.diverged:
        return
    what = f"training has diverged at update {len(run.updates)} of {trainer.updates}: {wrong}"
    if trainer.config.divergence == "stop":
        good = checkpoint.best(outside.folder)
        kept = f"the best checkpoint is kept in {good}" if good else "there is no checkpoint yet"
        raise Unfit(what, hint=f"lower train.lr or train.clip, or lengthen train.warmup_steps; train.divergence: continue goes on; {kept}")
    run.diverged = len(run.updates)
    outside.progress.warn(f"{what}; it goes on, as train.divergence says")


def _save(trainer: Trainer, run: Run, outside: Outside) -> None:
    """A checkpoint after the updates so far."""
    config, done = trainer.config, len(run.updates)
    recent = [entry["loss"] for entry in run.updates[-config.checkpoint_every :]]
    state = {**vars(run), "data": outside.data, "batch_size": config.recipe.batch_size, "score": sum(recent) / len(recent)}
    state["epoch"] = done // config.recipe.updates_per_epoch(trainer.documents.count)
    checkpoint.save(outside.folder, done, trainer, state)
    if trainer.world.first:
        checkpoint.rotate(outside.folder, config.keep_checkpoints)


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
    if state["batch_size"] > trainer.config.recipe.batch_size and "rows" in trainer.tuner.chosen:  # memory ran out since
        trainer.tuner.chosen["rows"] = min(trainer.tuner.chosen["rows"], trainer.config.recipe.batch_size)
    return Run(state["updates"], state["seconds"], state["evaluations"], state["resumed"] + 1, state["diverged"])


def _note(run: Run, update: Update) -> None:
    entry = asdict(update)
    run.seconds.append(entry.pop("seconds"))
    run.updates.append(entry)


def _finish(trainer: Trainer, run: Run, outside: Outside, results: Path) -> None:
    """Held-out losses, the weights, and what the run was."""
    outside.progress.say("evaluating on the held-out documents")
    start = time.perf_counter()
    losses = evaluate(trainer, run, outside)
    torch.compiler.set_stance("force_eager")
    outside.progress.at("writing the weights", SLOW_S)
    tensors, rss = trainer.world.total(memory.tensor_bytes(trainer), memory.peak_rss())
    with trainer.engine.whole() as model:
        if trainer.world.first:
            results.mkdir(parents=True, exist_ok=True)
            save_file(models.stored_tensors(model), results / "model.safetensors", metadata={"format": "pt"})
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
                "diverged": run.diverged,
                "evaluation_s": time.perf_counter() - start,
                "memory_tensors": tensors,
                "memory_rss": rss,
                "tuning": trainer.tuner.state(),
                "updates_per_epoch": trainer.config.recipe.updates_per_epoch(trainer.documents.count),
            }
            write_durable(results / "result.json", json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
