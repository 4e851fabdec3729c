"""One update on torch's own engine: what FSDP gathers and reduces in place of DeepSpeed's buckets. Moments are those of `Update`.

FSDP2 gathers the weights of a block in one message, copies them to their places, and gathers the next block meanwhile (torch 2.13,
_fsdp_param_group.py, _fsdp_collectives.py); a block's gradients are copied into one message and reduced to the shards'.
"""

from ryot.estimate.activations import FLOAT
from ryot.estimate.update import Update

_MESSAGE = 25_000_000
"""Elements of gradients that ryot averages in one message where nothing is sharded."""


class FsdpUpdate(Update):
    """One update with `engine: fsdp`. R are the parameters outside the blocks, B the most in one."""

    @property
    def _has_masters(self) -> bool:
        """Under grad_op the shards lie beside the gathered weights; under full they are the weights."""
        return self.train.zero == 2

    @property
    def _copies(self) -> int:
        """Where there are other ranks: the block at work and the next, the gradients and their message; alone, no message is made."""
        return 2 if self.world > 1 else 1

    @property
    def _rest(self) -> int:
        return self.parameters.total - self.parameters.blocks

    @property
    def _largest(self) -> int:
        return max(block.parameters for block in self._blocks)

    @property
    def fixed(self) -> float:
        """What is there all the time: the base; under full also R and blocks."""
        gathered = self._rest + self._copies * self._largest if self.train.zero == 3 else 0
        return self.base + FLOAT * gathered

    def _gradients(self, done: int, inside: int = 0) -> int:
        """Sharded: the shards' so far, or all of them from an earlier pass, and those of the block at work."""
        if self.train.zero == 0:
            return super()._gradients(done, inside)
        shards = done if self.train.accumulation == 1 else self.parameters.trainable
        return int(FLOAT * (shards / self.world + self._copies * inside))

    def _embedding(self) -> int:
        """The first block's weights and gradients are still there; under grad_op the other blocks' weights are gone."""
        block = FLOAT * self._copies * self._largest
        less = {0: 0, 2: FLOAT * self.parameters.blocks - 2 * block, 3: -block}[self.train.zero]
        return super()._embedding() - less

    def _reduction(self) -> float:
        """Beside the shards', those of what stands outside the blocks; unsharded, all of them and a message."""
        trainable = self.parameters.trainable
        if self.train.zero:
            gone = self.parameters.blocks if self.train.zero == 2 else 0
            return FLOAT * (trainable / self.world + self._copies * (self._rest - self.parameters.frozen) - gone)
        return FLOAT * (trainable + (min(trainable, _MESSAGE) if self.world > 1 else 0))

    def _step(self) -> float:
        """Beside the gradients fused AdamW takes nothing more, the for-loop's a root and a quotient. No weight is whole."""
        if self.train.zero == 0:
            return super()._step()
        parts = self.parameters.trainable + (self._loop() if self.kernel_level == 0 else 0)
        return FLOAT * (parts / self.world - (self.parameters.trainable if self.train.zero == 2 else 0))
