"""The optimizers, as torch has them: AdamW for all parameters, or Muon for the matrices inside the blocks beside AdamW for the rest."""

import math
from typing import Any

import torch
from torch import nn
from torch.distributed.tensor import DTensor

from ryot.stages.train.stage import Recipe

Moments = dict[torch.Tensor, dict[str, torch.Tensor]]
"""The optimizer's state of each tensor that it changes."""
_MOMENTS = ("step", "exp_avg", "exp_avg_sq", "momentum_buffer")


def optimizer_of(model: nn.Module, hidden: list[nn.Parameter], recipe: Recipe, *, fused: bool) -> torch.optim.Optimizer:
    """The recipe's optimizer. `hidden` are the matrices inside the blocks, which Muon takes. Weight decay falls on matrices only."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if recipe.optimizer == "adamw":
        return _adamw(trainable, recipe, fused=fused)
    taken = {id(parameter) for parameter in hidden}
    rest = [parameter for parameter in trainable if id(parameter) not in taken]
    return Together([_muon(hidden, recipe), _adamw(rest, recipe, fused=fused)])


def clip(parameters: list[nn.Parameter], most: float) -> float:
    """Scale the gradients down to a global norm of `most`. Returns their norm before; gradients that are no numbers are left as they are,
    so that they can be looked at."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = nn.utils.get_total_norm(gradients)
    found = float(norm.full_tensor() if isinstance(norm, DTensor) else norm)
    if math.isfinite(found):
        nn.utils.clip_grads_with_norm_(parameters, most, norm)
    return found


def copies(masters: list[torch.Tensor], moments: Moments) -> dict[str, torch.Tensor]:
    """Masters and their moments on the CPU, named `0.weights`, `0.exp_avg` ... An update that was skipped leaves no moments."""
    found = {}
    for index, master in enumerate(masters):
        found[f"{index}.weights"] = master.detach().clone().cpu()
        found |= {f"{index}.{name}": tensor.clone().cpu() for name, tensor in moments.get(master, {}).items()}
    return found


def put_back(state: dict[str, torch.Tensor], masters: list[torch.Tensor], moments: Moments, *, fused: bool) -> None:
    """The other way: into the masters in place, and as new moments. Clones keep a file's memory from being shared. AdamW keeps its step
    counter on the CPU, but where it is fused beside the weights."""
    for index, master in enumerate(masters):
        master.data.copy_(state[f"{index}.weights"])
        found = {name: state[f"{index}.{name}"].clone() for name in _MOMENTS if f"{index}.{name}" in state}
        moments[master] = {name: tensor if name == "step" and not fused else tensor.to(master.device) for name, tensor in found.items()}


def local(tensor: torch.Tensor) -> torch.Tensor:
    """This rank's part of a tensor, not a copy."""
    with torch.no_grad():
        return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def unique_bytes(tensors: list[torch.Tensor]) -> int:
    """Bytes of the storages of some tensors, each counted once."""
    storages: dict[int, int] = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(storages.values())


class Together(torch.optim.Optimizer):  # type: ignore[misc]
    """Several optimizers that step as one. Groups and states are theirs, not copies."""

    def __init__(self, parts: list[torch.optim.Optimizer]) -> None:
        super().__init__([group for part in parts for group in part.param_groups], {})
        self.parts = parts
        for part in parts:
            part.state = self.state

    def step(self, closure: Any = None) -> None:
        """Step them all; a closure is not supported."""
        assert closure is None
        for part in self.parts:
            part.step()


def _adamw(parameters: list[nn.Parameter], recipe: Recipe, *, fused: bool) -> torch.optim.AdamW:
    groups = [
        {"params": [parameter for parameter in parameters if parameter.dim() >= 2], "weight_decay": recipe.weight_decay},
        {"params": [parameter for parameter in parameters if parameter.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=recipe.betas, foreach=False, fused=fused)


def _muon(hidden: list[nn.Parameter], recipe: Recipe) -> torch.optim.Muon:
    """Momentum, made orthogonal by five steps of Newton and Schulz in bf16 (Jordan et al. 2024, "Muon: An optimizer for hidden layers in
    neural networks"), and scaled to the size of AdamW's updates (Liu et al. 2025, "Muon is scalable for LLM training"), so that both
    share one learning rate and one weight decay."""
    return torch.optim.Muon(hidden, lr=recipe.lr, weight_decay=recipe.weight_decay, adjust_lr_fn="match_rms_adamw")
