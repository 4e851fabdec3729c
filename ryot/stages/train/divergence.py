"""Whether a run has diverged: its loss has risen for good, or is worse than guessing. Pure.

Large runs have spikes that pass (Chowdhery et al. 2022, PaLM, section 5.1: about 20 in a run, with clipping). So a median over a window
is looked at, which a spike of less than half a window does not move, and the margin is one nat: the model is e times as perplexed as it
was, which neither the noise between batches nor a change of the learning rate does to a healthy run for so long.
"""

import math
from collections import deque
from collections.abc import Iterable
from statistics import median

MARGIN = 1.0
"""Nats by which the loss has to rise."""
SHORTEST, LONGEST, SHARE = 20, 200, 0.05
"""A window is this share of a run's updates, between these bounds."""


class Divergence:
    """The losses of one run, update by update. `vocabulary` is how many tokens there are to guess from."""

    def __init__(self, updates: int, warmup: int, vocabulary: int) -> None:
        self.window = min(max(int(updates * SHARE), SHORTEST), LONGEST)
        self._chance, self._warmup = math.log(vocabulary), warmup
        self._recent: deque[float] = deque(maxlen=self.window)
        self._seen, self._least, self._least_at = 0, math.inf, 0

    def recall(self, losses: Iterable[float]) -> None:
        """Go on after updates that were looked at before."""
        for loss in losses:
            self.look(loss)

    def look(self, loss: float) -> str | None:
        """Take the loss of the next update, in nats per token; what is wrong, in words, or None."""
        self._seen += 1
        self._recent.append(loss)
        if len(self._recent) < self.window:
            return None
        now = median(self._recent)
        if now < self._least:
            self._least, self._least_at = now, self._seen
        if now > self._least + MARGIN:
            return f"the loss has risen to {now:.3g}, from {self._least:.3g} at update {self._least_at} (medians of {self.window} updates)"
        if self._seen >= self._warmup + self.window and min(self._recent) > self._chance + MARGIN:
            return f"the loss has been above {self._chance + MARGIN:.3g} for {self.window} updates; guessing has {self._chance:.3g}"
        return None
