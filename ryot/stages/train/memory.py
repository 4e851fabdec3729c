"""What training holds in memory: tensors counted exactly, and the process's peak."""

import resource

import torch

from ryot.stages.train.trainer import Trainer


def tensor_bytes(trainer: Trainer) -> int:
    """Bytes of weights, gradients, optimizer states and activations on this rank; on a GPU the allocator's own peak.

    Weights, gradients and states are summed over their storages. Activations are the storages that autograd saves in the
    largest forward pass of the first update (torch's saved-tensor hooks), those of the weights left out. Temporary results
    inside one operation are not in it.
    """
    if trainer.world.device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(trainer.world.device))
    return trainer.engine.bytes() + _activation_bytes(trainer)


def peak_rss() -> int:
    """Peak resident memory of this process in bytes (getrusage counts KiB on Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _activation_bytes(trainer: Trainer) -> int:
    with trainer.engine.whole() as model:  # storages, not addresses: FSDP frees and fills the same ones
        weights = {parameter.untyped_storage()._cdata for parameter in model.parameters()}
    saved: dict[int, int] = {}
    alive: list[torch.Tensor] = []

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor.detach())  # else a freed address could be counted for another tensor
        return tensor

    rows = max(trainer.forwards(0), key=lambda rows: rows.size)
    with torch.random.fork_rng(devices=[]), torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        trainer.loss(rows)
    return sum(saved.values())
