"""In what a forward pass computes its products, and how fp16's small gradients are kept from vanishing. Weights stay fp32."""

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from transformers import PreTrainedModel

SCALER = "scaler"
"""The name of the scaler's state in a checkpoint."""
_FIRST, _LONGEST_WAIT = 2.0**16, 2000


class Casting:
    """What an engine's forward pass computes in. `half` is whether it is bf16 although its recipe says fp32."""

    def __init__(self, model: PreTrainedModel, always: torch.dtype | None) -> None:
        """Let the model's forward pass compute in `always`, or in bf16 while `half` is set. DeepSpeed ends an autocast around it."""
        self.half, self._always, self._in_full, plain = False, always, False, model.forward

        def forward(*given: Any, **named: Any) -> Any:
            kind = self._kind
            with torch.autocast(model.device.type, kind) if kind is not None else nullcontext():
                return plain(*given, **named)

        model.forward = forward

    @property
    def _kind(self) -> torch.dtype | None:
        if self._in_full:
            return None
        return self._always or (torch.bfloat16 if self.half else None)

    @contextmanager
    def full(self) -> Iterator[None]:
        """Within, the forward pass is in fp32 whatever else is said."""
        before, self._in_full = self._in_full, True
        try:
            yield
        finally:
            self._in_full = before


class Scaler:
    """Dynamic loss scaling (Micikevicius et al. 2018, section 3.2), as torch's GradScaler does it: losses are multiplied before the
    backward pass and gradients divided after it; an update whose gradient overflows is skipped and halves the scale, 2,000 good ones in
    a row double it."""

    def __init__(self) -> None:
        self.scale, self.good, self.skipped = _FIRST, 0, 0

    def unscale(self, parameters: list[torch.Tensor]) -> None:
        """Divide the gradients."""
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.div_(self.scale)

    def takes(self, norm: float) -> bool:
        """Whether an update with this global gradient norm is carried out. The next scale is set."""
        if not math.isfinite(norm):
            self.scale, self.good, self.skipped = self.scale / 2, 0, self.skipped + 1
            return False
        self.good += 1
        if self.good == _LONGEST_WAIT:
            self.scale, self.good = self.scale * 2, 0
        return True

    def state(self) -> dict[str, torch.Tensor]:
        """What a checkpoint keeps."""
        return {SCALER: torch.tensor([self.scale, self.good, self.skipped], dtype=torch.float64)}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from a checkpoint."""
        scale, good, skipped = state[SCALER].tolist()
        self.scale, self.good, self.skipped = scale, int(good), int(skipped)
