"""DeepSpeed's engine: ZeRO 0 to 3, opened up. Its masters are the trainable parameters (ZeRO 0), or this rank's flat parts of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import deepspeed
import torch
from deepspeed import ops
from transformers import PreTrainedModel

from ryot.stages.train import model as models
from ryot.stages.train.optimizer import clip, copies, optimizer_of, put_back, unique_bytes
from ryot.stages.train.precision import Casting, Scaler
from ryot.stages.train.sharding import Sharding
from ryot.stages.train.stage import Recipe

# DeepSpeed would compile its shared-memory collectives at the first run, behind a lock file that a killed compiler leaves for ever.
ops.__compatible_ops__["deepspeed_shm_comm"] = False


class ZeroEngine(Casting):
    """An `Engine` that is DeepSpeed's."""

    def __init__(self, model: PreTrainedModel, recipe: Recipe, *, fused: bool) -> None:
        self.recipe, self.fused = recipe, fused
        super().__init__(model, torch.float16 if recipe.precision == "fp16" else None)  # DeepSpeed casts to bf16 itself
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.names = {id(parameter): name for name, parameter in model.named_parameters()}
        self.shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters() if parameter.requires_grad}
        self.scaler = Scaler() if recipe.precision == "fp16" else None
        optimizer = optimizer_of(model, models.hidden_matrices(model), recipe, fused=fused)
        self.inner, *_ = deepspeed.initialize(model=model, optimizer=optimizer, config=_settings(recipe))

    @property
    def model(self) -> PreTrainedModel:
        """The model, as DeepSpeed holds it."""
        return self.inner.module

    @property
    def zero(self) -> int:
        """What DeepSpeed shards between ranks."""
        return self.recipe.zero_stage

    @property
    def scaled(self) -> bool:
        """Whether losses are scaled."""
        return self.scaler is not None

    def backward(self, loss: torch.Tensor, *, last: bool) -> None:
        """Add the gradients of a loss. The `last` one of an update also sums them over the ranks."""
        self.inner.set_gradient_accumulation_boundary(last)
        self.inner.backward(loss * self.scaler.scale if self.scaler else loss)

    def step(self, lr: float) -> float:
        """Clip and update the weights, or skip them. Returns the global gradient norm before clipping."""
        for group in self.inner.optimizer.param_groups:
            group["lr"] = lr
        if self.zero:
            self.inner.step()
            return float(self.inner.get_global_grad_norm())
        if self.scaler:
            self.scaler.unscale(self.parameters)
        norm = clip(self.parameters, self.recipe.clip)
        if self.scaler.takes(norm) if self.scaler else math.isfinite(norm):
            self.inner.step()
        elif self.scaler:
            self.inner.optimizer.zero_grad()
        return norm

    @property
    def masters(self) -> list[torch.Tensor]:
        """The tensors the optimizer changes on this rank, in a stable order."""
        if self.zero == 0:
            return list(self.parameters)
        optimizer = self.inner.optimizer
        return list(optimizer.fp32_partitioned_groups_flat if self.zero == 3 else optimizer.single_partition_of_fp32_groups)

    @property
    def moments(self) -> dict[torch.Tensor, dict[str, torch.Tensor]]:
        """The optimizer's state of each master; empty before the first update."""
        optimizer = self.inner.optimizer
        found: dict[torch.Tensor, dict[str, torch.Tensor]] = (optimizer if self.zero == 0 else optimizer.optimizer).state
        return found

    @property
    def sharding(self) -> Sharding:
        """Which parameters the masters are."""
        if self.zero == 0:
            return Sharding("whole", tuple((self.names[id(parameter)],) for parameter in self.parameters), self.shapes)
        optimizer = self.inner.optimizer
        groups = optimizer.fp16_groups if self.zero == 3 else optimizer.bit16_groups
        named = tuple(tuple(self.names[id(parameter)] for parameter in group) for group in groups)
        return Sharding("each" if self.zero == 3 else "flat", named, self.shapes)

    def state(self) -> dict[str, torch.Tensor]:
        """Copies of masters and moments, by name, and of the scaler."""
        return copies(self.masters, self.moments) | (self.scaler.state() if self.scaler else {})

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Put back what `state` gave, and bring the parameters in line with it."""
        put_back(state, self.masters, self.moments, fused=self.fused)
        if self.scaler:
            self.scaler.restore(state)
        if self.zero in (1, 2):
            self.inner.optimizer.update_lp_params()
        if self.zero == 3:
            for flat, master in zip(self.inner.optimizer.fp16_partitioned_groups_flat, self.masters, strict=True):
                flat.data.copy_(master.data)

    @contextmanager
    def whole(self) -> Iterator[PreTrainedModel]:
        """The model with all its parameters in place, also under ZeRO 3. All ranks enter together."""
        if self.zero < 3:
            yield self.model
        else:
            with deepspeed.zero.GatheredParameters(list(self.model.parameters())):
                yield self.model

    def skipped(self) -> int:
        """Updates that were dropped: the scaler's, and those that DeepSpeed dropped without saying so."""
        return int(self.inner.skipped_steps) + (self.scaler.skipped if self.scaler else 0)

    def bytes(self) -> int:
        """Bytes of parameters, gradients and optimizer states on this rank, each counted once."""
        shards = [getattr(parameter, "ds_tensor", parameter) for parameter in self.model.parameters()]
        moments = [tensor for state in self.moments.values() for tensor in state.values()]
        gradients: int = sum(parameter.numel() * parameter.element_size() for parameter in self.masters)
        return unique_bytes([*shards, *self.masters, *moments]) + gradients


def _settings(recipe: Recipe) -> dict[str, Any]:
    """DeepSpeed's configuration. ryot counts micro-batches and normalises losses itself, so DeepSpeed sees one of each."""
    settings: dict[str, Any] = {
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": 1,
        "steps_per_print": 1 << 40,
        "zero_optimization": {"stage": recipe.zero_stage},
    }
    if recipe.zero_stage:
        settings["gradient_clipping"] = recipe.clip
    if recipe.zero_stage == 3:  # parameters kept whole would not follow a restored state
        settings["zero_optimization"]["stage3_param_persistence_threshold"] = 0
    if recipe.offload != "none":
        settings |= {"zero_force_ds_cpu_optimizer": False}  # torch's AdamW as everywhere; DeepSpeed's own would be compiled on the spot
        host = {"device": "cpu", "pin_memory": True}
        settings["zero_optimization"]["offload_optimizer"] = host
        if recipe.offload == "all":
            settings["zero_optimization"]["offload_param"] = host
    if recipe.precision == "bf16":
        settings["torch_autocast"] = {"enabled": True, "dtype": "bfloat16"}
    return settings
