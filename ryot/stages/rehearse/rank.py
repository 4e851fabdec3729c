"""One process of the checkpoint at real size: `python -m ryot.stages.rehearse.rank JOB.json`, started by torchrun."""

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch

from ryot.plugins import NodeError, write_durable
from ryot.stages.train import checkpoint
from ryot.stages.train.child import begin
from ryot.stages.train.documents import Documents, specials
from ryot.stages.train.probe import refuse_emulated, refuse_offload
from ryot.stages.train.stage import TrainConfig
from ryot.stages.train.trainer import Trainer
from ryot.stages.train.world import join, leave


def main(path: Path) -> None:
    """Update, save, update, restore: what came back must be what was saved, and not what was there."""
    job: dict[str, Any] = json.loads(path.read_text())
    progress = begin(job)
    config = TrainConfig.model_validate(job["config"])
    tokens, folder = Path(job["tokens"]), Path(job["checkpoints"])
    world = join(Path(job["meeting"]), job["device"])
    refuse_offload(config.recipe.offload, world.device)
    refuse_emulated(config.recipe.precision, world.device)
    trainer = Trainer(config, Documents(tokens, "train", config.model.context, config.recipe.samples), specials(tokens), world)
    progress.say(f"one update of {trainer.parameters:,} parameters, and a checkpoint")
    progress.update(0, 2, trainer.update(0))
    saved = digests(trainer)
    began = time.perf_counter()
    checkpoint.save(folder, 1, trainer, {})
    save_s = world.largest(time.perf_counter() - began)
    update = trainer.update(1)
    progress.update(1, 2, update)
    restore_s = world.largest(restored(trainer, folder / "update-00000001", saved))
    if world.first:
        size = sum(file.stat().st_size for file in (folder / "update-00000001").iterdir())
        found = {"checkpoint_size": size, "save_time": save_s, "restore_time": restore_s, "update_time": update.seconds}
        progress.say(f"{size:,} bytes, written in {save_s:.2f} s and read back in {restore_s:.2f} s")
        write_durable(Path(job["result"]), json.dumps(found))
    leave(world)


def restored(trainer: Trainer, path: Path, saved: dict[str, str]) -> float:
    """Bring the trainer back, and hold it against what was saved. Returns the seconds of reading."""
    if digests(trainer) == saved:
        raise NodeError("an update changed nothing that a checkpoint keeps", hint="is train.lr too small?")
    began = time.perf_counter()
    checkpoint.restore(path, trainer)
    seconds = time.perf_counter() - began
    found = digests(trainer)
    odd = [name for name in saved if found.get(name) != saved[name]] + [name for name in found if name not in saved]
    if odd:
        raise NodeError(f"a restored checkpoint is not what was saved: {', '.join(odd[:3])}", hint="a resumed run would be another one")
    return seconds


def digests(trainer: Trainer) -> dict[str, str]:
    """SHA-256 of each tensor of this rank's masters and moments, and of the weights the forward pass reads."""
    tensors = dict(trainer.engine.state())
    with trainer.engine.whole() as model:
        tensors |= {f"parameter {name}": parameter.detach().cpu() for name, parameter in model.named_parameters()}
    return {name: hashlib.sha256(tensor.contiguous().reshape(-1).view(torch.uint8).numpy()).hexdigest() for name, tensor in tensors.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
