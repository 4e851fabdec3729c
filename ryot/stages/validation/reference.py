"""What transformers says of the tokens that a server generated. Shapes: L length, V vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ryot.stages.export.work import load


@dataclass(frozen=True, slots=True)
class Token:
    """A generated token: its probability by the server, by transformers, and that of transformers' most probable one."""

    served: float
    reference: float
    best: float

    def wrong(self, tolerance: float) -> bool:
        """Whether it is not the most probable one, nor as probable within the tolerance."""
        return self.best - self.reference > tolerance

    @property
    def difference(self) -> float:
        """Of the two probabilities."""
        return abs(self.served - self.reference)


class Reference:
    """A checkpoint in transformers, in fp32."""

    def __init__(self, folder: Path, threads: int) -> None:
        torch.set_num_threads(max(threads, 1))
        self._model = load(folder).float()

    def tokens(self, prompt: Sequence[int], ids: Sequence[int], served: Sequence[float]) -> list[Token]:
        """`ids` were generated after a prompt, one by one, with the probabilities `served`; all are looked at in one pass."""
        with torch.no_grad():
            logits_LV = self._model(input_ids=torch.tensor([[*prompt, *ids]])).logits[0]
        shares_LV = logits_LV[len(prompt) - 1 : -1].double().softmax(-1)
        best, found = shares_LV.max(-1).values, shares_LV.gather(-1, torch.tensor(ids)[:, None])[:, 0]
        return [Token(*each) for each in zip(served, found.tolist(), best.tolist(), strict=True)]
