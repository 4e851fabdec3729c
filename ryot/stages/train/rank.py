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
from ryot.stages.train.schedule import refuse_endless_warmup
from ryot.stages.train.stage import TrainConfig
from ryot.stages.train.trainer import Trainer, Update
from ryot.stages.train.world import join, leave


@dataclass
class Run:
    """A run as far as it has come."""

    updates: list[dict[str, float]]
    seconds: list[float]
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
    refuse_endless_warmup(config.recipe, trainer.updates)
    run = _train(trainer, Path(job["checkpoints"]), identity(tokens), progress)
    _finish(trainer, run, Documents(tokens, "heldout", config.model.context), Path(job["results"]), progress)
    leave(world)


def _train(trainer: Trainer, folder: Path, data: str, progress: Progress) -> Run:
    """All the updates that are still to be done."""
    run = _resume(trainer, folder, data, progress)
    config, world = trainer.config, trainer.world
    for index in range(len(run.updates), trainer.updates):
        before = _checksum(trainer) if index == 0 else 0.0
        update = trainer.update(index)
        if index == 0:
            _refuse_still(trainer, before)
        _note(run, update)
        progress.update(index, trainer.updates, update)
        if (index + 1) % config.checkpoint_every == 0 or index + 1 == trainer.updates:
            _refuse_bad_weights(trainer, index)
            recent = [entry["loss"] for entry in run.updates[-config.checkpoint_every :]]
            state = {"updates": run.updates, "seconds": run.seconds, "resumed": run.resumed, "data": data}
            state["epoch"] = (index + 1) // config.recipe.updates_per_epoch(trainer.documents.count)
            checkpoint.save(folder, index + 1, trainer, {**state, "score": sum(recent) / len(recent)})
            if world.first:
                checkpoint.rotate(folder, config.keep_checkpoints)
    return run


def _resume(trainer: Trainer, folder: Path, data: str, progress: Progress) -> Run:
    found = checkpoint.newest(folder) if trainer.world.first else None
    update = int(trainer.world.first_says(int(found.name[-8:]) if found else 0))
    if not update:
        return Run([], [])
    state = checkpoint.restore(folder / f"update-{update:08d}", trainer)
    if state["data"] != data or state["ranks"] != trainer.world.size:
        raise NodeError(f"the checkpoint after update {update} was made from other data or ranks", hint=f"remove {folder}")
    progress.say(f"resumed after update {update} of {trainer.updates}")
    return Run(state["updates"], state["seconds"], state["resumed"] + 1)


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
    torch.compiler.set_stance("force_eager")
    with trainer.engine.full():
        losses = document_losses(trainer.engine.model, heldout, trainer.pad, trainer.world)
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
