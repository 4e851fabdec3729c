"""torch's own engine: FSDP2, which cuts every parameter along its first dimension and gathers them block by block; or no sharding."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel

from ryot.stages.train import model as models
from ryot.stages.train.optimizer import Moments, clip, copies, local, optimizer_of, put_back, unique_bytes
from ryot.stages.train.precision import Casting, Scaler
from ryot.stages.train.sharding import Sharding
from ryot.stages.train.stage import Recipe

_BUCKET = 25_000_000
"""Elements of gradients that are averaged in one message."""


class FsdpEngine(Casting):
    """An `Engine` that is torch's: sharding full (weights are gathered for each block and dropped after it), grad_op (they stay until
    the backward pass has used them) or none. Its masters are the trainable parameters, or this rank's rows of them."""

    def __init__(self, model: PreTrainedModel, recipe: Recipe, *, fused: bool) -> None:
        self.recipe, self.model, self.fused = recipe, model, fused
        super().__init__(model, {"bf16": torch.bfloat16, "fp16": torch.float16}.get(recipe.precision))
        self.scaler = Scaler() if recipe.precision == "fp16" else None
        if recipe.sharding != "none":
            _shard(model, whole_between_passes=recipe.sharding == "grad_op")
        self.inner, self._held = model, list(model.parameters())
        named = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        self.parameters = list(named.values())
        self.masters = [local(parameter) for parameter in self.parameters]
        shapes = {name: tuple(parameter.shape) for name, parameter in named.items()}
        self.sharding = Sharding("whole" if recipe.sharding == "none" else "rows", tuple((name,) for name in named), shapes)
        self.optimizer = optimizer_of(model, models.hidden_matrices(model), recipe, fused=fused)

    @property
    def scaled(self) -> bool:
        """Whether losses are scaled."""
        return self.scaler is not None

    def backward(self, loss: torch.Tensor, *, last: bool) -> None:
        """Add the gradients of a loss, averaged over the ranks: sharded ones at once, so that they are never kept whole, else with the
        `last` one of an update."""
        (loss * self.scaler.scale if self.scaler else loss).backward()
        if last and self.recipe.sharding == "none":
            _average([parameter.grad for parameter in self.parameters if parameter.grad is not None])

    def step(self, lr: float) -> float:
        """Clip and update the weights, or skip them. Returns the global gradient norm before clipping."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        if self.scaler:
            self.scaler.unscale(self.parameters)
        norm = clip(self.parameters, self.recipe.clip)
        if self.scaler.takes(norm) if self.scaler else math.isfinite(norm):
            self.optimizer.step()
        elif not self.scaler:
            return norm
        self.optimizer.zero_grad()
        return norm

    @property
    def moments(self) -> Moments:
        """The optimizer's state of each master; empty before the first update."""
        state = self.optimizer.state
        return {
            master: {name: local(tensor) for name, tensor in state[parameter].items()}
            for parameter, master in zip(self.parameters, self.masters, strict=True)
            if parameter in state
        }

    def state(self) -> dict[str, torch.Tensor]:
        """Copies of masters and moments, by name, and of the scaler."""
        return copies(self.masters, self.moments) | (self.scaler.state() if self.scaler else {})

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Put back what `state` gave."""
        self._reshard()
        moments: Moments = {}
        put_back(state, self.masters, moments, fused=self.fused)
        for parameter, master in zip(self.parameters, self.masters, strict=True):
            self.optimizer.state[parameter] = {name: _like(parameter, tensor) for name, tensor in moments[master].items()}
        if self.scaler:
            self.scaler.restore(state)

    @contextmanager
    def whole(self) -> Iterator[PreTrainedModel]:
        """The model with all its parameters in place. All ranks enter together."""
        for module in self._modules():
            module.unshard()
        try:
            yield self.model
        finally:
            self._reshard()

    def skipped(self) -> int:
        """Updates that the scaler dropped."""
        return self.scaler.skipped if self.scaler else 0

    def bytes(self) -> int:
        """Bytes of parameters, gradients and optimizer states on this rank, each counted once."""
        moments = [tensor for state in self.moments.values() for tensor in state.values()]
        gradients: int = sum(master.numel() * master.element_size() for master in self.masters)
        return unique_bytes([*map(local, self._held), *moments]) + gradients

    def _modules(self) -> list[FSDPModule]:
        return [module for module in self.model.modules() if isinstance(module, FSDPModule)]

    def _reshard(self) -> None:
        """An evaluation leaves parameters whole, which a restored state would not reach."""
        for module in self._modules():
            module.reshard()


def _shard(model: PreTrainedModel, *, whole_between_passes: bool) -> None:
    """Cut the parameters of each block, and then of the rest, over all ranks. The rest stays whole from its forward to its backward
    pass, which follows at once."""
    mesh = init_device_mesh(model.device.type, (dist.get_world_size(),))
    for block in models.blocks(model):
        fully_shard(block, mesh=mesh, reshard_after_forward=not whole_between_passes)
    fully_shard(model, mesh=mesh, reshard_after_forward=False)


def _average(gradients: Sequence[torch.Tensor]) -> None:
    """Average gradients over the ranks, in messages of several.

    Not by DistributedDataParallel: it makes up its messages anew after a first backward pass, so that a run that goes on from a checkpoint
    would, on more than two ranks, add in another order.
    """
    if dist.get_world_size() == 1:
        return
    for group in _grouped(gradients):
        flat = torch.cat([gradient.flatten() for gradient in group])
        dist.all_reduce(flat)
        flat.div_(dist.get_world_size())
        for gradient, part in zip(group, flat.split([gradient.numel() for gradient in group]), strict=True):
            gradient.copy_(part.view_as(gradient))


def _grouped(gradients: Sequence[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    group: list[torch.Tensor] = []
    for gradient in gradients:
        if group and sum(other.numel() for other in group) + gradient.numel() > _BUCKET:
            yield group
            group = []
        group.append(gradient)
    yield group


def _like(parameter: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
    """This rank's part of a tensor that is cut as a parameter is; numbers are not cut."""
    if not isinstance(parameter, DTensor) or not part.dim():
        return part
    shape, stride = parameter.shape, parameter.stride()
    return DTensor.from_local(part, parameter.device_mesh, parameter.placements, run_check=False, shape=shape, stride=stride)
