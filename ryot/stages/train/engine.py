"""DeepSpeed's engine around a model: made, stepped, and opened up, so that its state can be written and read back without pickles.

"Masters" are the tensors the optimizer changes: the trainable parameters themselves (ZeRO 0), or this rank's flat parts of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import deepspeed
import torch
from deepspeed import ops
from torch import nn
from transformers import PreTrainedModel

from ryot.stages.train.stage import Recipe

# DeepSpeed would compile its shared-memory collectives at the first run, behind a lock file that a killed compiler leaves for ever.
ops.__compatible_ops__["deepspeed_shm_comm"] = False

_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


class Engine:
    """One model in training. `half` is whether its forward pass computes in bf16 although its recipe says fp32."""

    def __init__(self, model: PreTrainedModel, recipe: Recipe, *, fused: bool) -> None:
        self.recipe, self.half = recipe, False
        _cast_inside(model, self)
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.inner, *_ = deepspeed.initialize(model=model, optimizer=_adamw(model, recipe, fused=fused), config=_settings(recipe))

    @property
    def model(self) -> PreTrainedModel:
        """The model, as DeepSpeed holds it."""
        return self.inner.module

    @property
    def zero(self) -> int:
        """What DeepSpeed shards between ranks."""
        return self.recipe.zero_stage

    @contextmanager
    def full(self) -> Iterator[None]:
        """Within, the forward pass is in fp32 whatever `half` says."""
        before, self.half = self.half, False
        try:
            yield
        finally:
            self.half = before

    def backward(self, loss: torch.Tensor, *, last: bool) -> None:
        """Add the gradients of a loss. The `last` one of an update also sums them over the ranks."""
        self.inner.set_gradient_accumulation_boundary(last)
        self.inner.backward(loss)

    def step(self, lr: float) -> float:
        """Clip and update the weights. Returns the global gradient norm before clipping; when it is not finite, do not go on."""
        for group in self.inner.optimizer.param_groups:
            group["lr"] = lr
        norm = self._clip() if self.zero == 0 else 0.0
        if math.isfinite(norm):
            self.inner.step()
        return norm if self.zero == 0 else float(self.inner.get_global_grad_norm())

    def _clip(self) -> float:
        """The norm before clipping; gradients that are no numbers are left as they are, so that they can be looked at."""
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        if math.isfinite(norm):
            nn.utils.clip_grads_with_norm_(self.parameters, self.recipe.clip, norm)
        return float(norm)

    @property
    def masters(self) -> list[torch.Tensor]:
        """The tensors the optimizer changes on this rank, in a stable order."""
        if self.zero == 0:
            return list(self.parameters)
        optimizer = self.inner.optimizer
        return list(optimizer.fp32_partitioned_groups_flat if self.zero == 3 else optimizer.single_partition_of_fp32_groups)

    @property
    def moments(self) -> dict[torch.Tensor, dict[str, torch.Tensor]]:
        """AdamW's state of each master; empty before the first update."""
        optimizer = self.inner.optimizer
        found: dict[torch.Tensor, dict[str, torch.Tensor]] = (optimizer if self.zero == 0 else optimizer.optimizer).state
        return found

    def state(self) -> dict[str, torch.Tensor]:
        """Copies of masters and moments, by name."""
        found = {}
        for index, master in enumerate(self.masters):
            found[f"{index}.weights"] = master.detach().clone().cpu()
            found |= {f"{index}.{name}": self.moments[master][name].clone().cpu() for name in _MOMENTS if master in self.moments}
        return found

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Put back what `state` gave, on the same number of ranks, and bring the parameters in line with it."""
        for index, master in enumerate(self.masters):
            master.data.copy_(state[f"{index}.weights"])
            # AdamW keeps its step counter on the CPU unless it is fused on a GPU; clones keep the file's memory from being shared.
            moved = {name: state[f"{index}.{name}"].clone() for name in _MOMENTS}
            self.moments[master] = moved | {name: moved[name].to(master.device) for name in _MOMENTS[:2]}
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
        """Updates that DeepSpeed dropped without saying so."""
        return int(self.inner.skipped_steps)

    def bytes(self) -> int:
        """Bytes of parameters, gradients and optimizer states on this rank, each counted once."""
        shards = [getattr(parameter, "ds_tensor", parameter) for parameter in self.model.parameters()]
        moments = [tensor for state in self.moments.values() for tensor in state.values()]
        gradients: int = sum(parameter.numel() * parameter.element_size() for parameter in self.masters)
        return _unique_bytes([*shards, *self.masters, *moments]) + gradients


def _unique_bytes(tensors: list[torch.Tensor]) -> int:
    storages: dict[int, int] = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(storages.values())


def _cast_inside(model: PreTrainedModel, engine: Engine) -> None:
    """Let the model's forward pass compute in bf16 while `engine.half` is set. DeepSpeed ends an autocast that is around it."""
    plain = model.forward

    def forward(*given: Any, **named: Any) -> Any:
        with torch.autocast(model.device.type, torch.bfloat16) if engine.half else nullcontext():
            return plain(*given, **named)

    model.forward = forward


def _adamw(model: PreTrainedModel, recipe: Recipe, *, fused: bool) -> torch.optim.AdamW:
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in trainable if parameter.dim() >= 2], "weight_decay": recipe.weight_decay},
        {"params": [parameter for parameter in trainable if parameter.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=recipe.betas, foreach=False, fused=fused)


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
