"""Whether bf16 may stand in for fp32: the same rows, the same weights, both gradients.

Dropout is off for it, and the random numbers of training are not touched.
"""

import math
import sys
from collections.abc import Callable

import torch

from ryot.stages.train import model as models
from ryot.stages.train.engine import Engine
from ryot.stages.train.world import World

LARGEST_ERROR = 0.1
"""How far the gradient in bf16 may lie from fp32's, as a share of its norm. Rounding to 8 bits makes it about 0.5 % in a model of four
layers; two batches differ by about 100 %."""


def gradient_error(engine: Engine, loss: Callable[[], torch.Tensor], world: World) -> float:
    """The distance of the first block's gradient in bf16 from that in fp32 over the latter's norm; the largest of all ranks, infinite
    where it is no number. The first block's gradient has come through all others. `loss` computes with the engine's model."""
    full, half = (_gradient(engine, loss, half=half) for half in (False, True))
    norm, distance = float(full.norm()), float((half - full).norm())
    error = distance / max(norm, sys.float_info.min)  # a rank without documents has neither
    return world.largest(error if math.isfinite(error) else math.inf)


def _gradient(engine: Engine, loss: Callable[[], torch.Tensor], *, half: bool) -> torch.Tensor:
    """One flat tensor in fp64."""
    before, parameters = engine.half, [part for part in models.blocks(engine.model)[0].parameters() if part.requires_grad]
    engine.model.eval()
    engine.half = half
    try:
        return torch.cat([part.double().flatten() for part in torch.autograd.grad(loss(), parameters)])
    finally:
        engine.half = before
        engine.model.train()
