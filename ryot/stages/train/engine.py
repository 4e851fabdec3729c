"""What trains a model: DeepSpeed or torch's own FSDP, opened up alike, so that a run's state can be written and read without pickles."""

from contextlib import AbstractContextManager
from typing import Protocol

import torch
from torch import nn
from transformers import PreTrainedModel

from ryot.stages.train.fsdp import FsdpEngine
from ryot.stages.train.sharding import Sharding
from ryot.stages.train.stage import Recipe
from ryot.stages.train.zero import ZeroEngine


class Engine(Protocol):
    """One model in training. "Masters" are the tensors that the optimizer changes on this rank: parameters, or shares of them."""

    recipe: Recipe
    half: bool
    """Whether the forward pass computes in bf16 although the recipe says fp32."""
    parameters: list[nn.Parameter]
    """Those that training changes."""
    inner: nn.Module
    """What a training pass calls."""

    @property
    def model(self) -> PreTrainedModel:
        """The model as such."""

    @property
    def masters(self) -> list[torch.Tensor]:
        """In a stable order."""

    @property
    def moments(self) -> dict[torch.Tensor, dict[str, torch.Tensor]]:
        """The optimizer's state of each master; empty before the first update."""

    @property
    def sharding(self) -> Sharding:
        """Which parameters the masters are, and how they are cut."""

    @property
    def scaled(self) -> bool:
        """Whether losses are scaled, so that an update is now and then skipped."""

    def full(self) -> AbstractContextManager[None]:
        """Within, the forward pass is in fp32 whatever `half` or the recipe says."""

    def backward(self, loss: torch.Tensor, *, last: bool) -> None:
        """Add the gradients of a loss. The `last` one of an update also sums them over the ranks."""

    def step(self, lr: float) -> float:
        """Clip and update the weights. Returns the global gradient norm before clipping. When it is not finite and the engine is
        `scaled`, the update is skipped; else do not go on."""

    def state(self) -> dict[str, torch.Tensor]:
        """Copies of masters and moments, by name, and what the engine has once."""

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Put back what `state` gave on as many ranks, or what `reshard` made of it."""

    def whole(self) -> AbstractContextManager[PreTrainedModel]:
        """The model with all its parameters in place. All ranks enter together."""

    def skipped(self) -> int:
        """Updates that were dropped."""

    def bytes(self) -> int:
        """Bytes of parameters, gradients and optimizer states on this rank, each counted once."""


def start_engine(model: PreTrainedModel, recipe: Recipe, *, fused: bool) -> Engine:
    """The recipe's engine around a model that is on its device. All ranks call it together."""
    return (FsdpEngine if recipe.engine == "fsdp" else ZeroEngine)(model, recipe, fused=fused)
