"""One update of the weights, moment by moment: what is alive when. Sharding, buckets and temporaries are DeepSpeed's and torch's own.

Symbols: P trainable parameters, W devices, V vocab_size, d hidden_size, N tokens of a forward pass.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from ryot.estimate.activations import FLOAT, Block, Pass, block, mask_bytes, norm_bytes
from ryot.estimate.parameters import Parameters, count_parameters, hidden_matrices, largest_matrix
from ryot.spec.model import Model
from ryot.spec.train import Train

BUCKET = 500_000_000
"""Elements in DeepSpeed's reduce bucket (`reduce_bucket_size`, `elements_per_buffer`). ZeRO 1 and 2 allocate all of it during the
backward pass, ZeRO 3 always, ZeRO 0 only what its gradients fill (deepspeed 0.19.8, stage_1_and_2.py, stage3.py, engine.py)."""
LIVE = 1_000_000_000
"""Elements of gathered weights that ZeRO 3 keeps for their next use (`stage3_max_live_parameters`, `stage3_max_reuse_distance`)."""
AHEAD = 50_000_000
"""Elements of weights that ZeRO 3 gathers ahead, in a flat tensor beside their own (`stage3_prefetch_bucket_size`)."""
WORKSPACE = {"cpu": 0, "cuda": 32 << 20, "rocm": 32 << 20}
"""cuBLAS's workspace, which the allocator counts: 32 MiB on Hopper, 8 MiB before (torch, CUDABlas.cpp)."""


@dataclass(frozen=True, slots=True)
class States:
    """Bytes of model states on one device."""

    weights: float
    gradients: float
    optimizer: float

    @property
    def total(self) -> float:
        """All of them."""
        return self.weights + self.gradients + self.optimizer


def model_states(parameters: int, stage: int, world: int, *, weight: int = 2, gradient: int = 2, optimizer: int = 12) -> States:
    """Bytes of weights, gradients and optimizer states on one device under ZeRO `stage` on `world` of them.

    Rajbhandari et al. 2020, "ZeRO", figure 1 (2, 2 and 12 bytes for a parameter): stage 1 shards the optimizer's states, 2 (FSDP's
    grad_op) also gradients, 3 (FSDP's full) also weights: (weight + gradient + optimizer / W) P, (weight + (gradient + optimizer) / W)
    P, (weight + gradient + optimizer) P / W.
    """
    weights, gradients, states = (world if stage >= least else 1 for least in (3, 2, 1))
    return States(weight * parameters / weights, gradient * parameters / gradients, optimizer * parameters / states)


@dataclass(frozen=True)
class Update:
    """One update on one of train.ranks devices, whose forward passes are `given`."""

    model: Model
    train: Train
    given: Pass
    kernel_level: int

    @property
    def world(self) -> int:
        """W, the devices that share the states."""
        return self.train.ranks

    @cached_property
    def parameters(self) -> Parameters:
        """The model's parameters."""
        return count_parameters(self.model)

    @cached_property
    def states(self) -> States:
        """What lies on the device: in fp32, with masters beside the weights from ZeRO 1 on; less what is offloaded."""
        on_device = self._states
        offload = self.train.offload
        kept = 0.0 if offload == "all" else on_device.weights
        gradients = 0.0 if offload != "none" and self.train.zero >= 2 else on_device.gradients
        return States(kept, gradients, 0.0 if offload != "none" else on_device.optimizer)

    @property
    def host(self) -> float:
        """What offloading puts into the host's memory for this device: optimizer's states, its share of the gradients, weights."""
        if self.train.offload == "none":
            return 0.0
        shares = self._states.optimizer + FLOAT * self.parameters.trainable / self.world
        return shares + (self._states.weights if self.train.offload == "all" else 0.0)

    @property
    def _has_masters(self) -> bool:
        """Whether what the optimizer changes lies beside the weights."""
        return self.train.zero > 0

    @property
    def _states(self) -> States:
        stage, frozen = self.train.zero, FLOAT * self.parameters.frozen
        found = model_states(self.parameters.trainable, stage, self.world, weight=4, gradient=4, optimizer=12 if self._has_masters else 8)
        # Muon has one moment, where AdamW has two; only what is not sharded takes it
        spared = FLOAT * hidden_matrices(self.model) if self.train.optimizer == "muon" else 0
        return States(found.weights + frozen / (self.world if stage == 3 else 1), found.gradients, found.optimizer - spared)

    @property
    def base(self) -> float:
        """Weights, optimizer, a library's workspace and the ids of a pass."""
        return self.states.weights + self.states.optimizer + WORKSPACE[self.given.device] + 8 * self.given.positions

    @property
    def fixed(self) -> float:
        """What is there all the time: the base; under ZeRO 3 also its bucket, gradients, live weights."""
        if self.train.zero < 3:
            return self.base
        total = self.parameters.total
        gathered = min(total, LIVE) + min(total, AHEAD) if self.world > 1 or self.train.offload == "all" else 0
        return self.base + FLOAT * (BUCKET + gathered) + self.states.gradients

    @cached_property
    def _blocks(self) -> list[Block]:
        attention, placed = block(self.model, self.given, attention=True), self.model.attention_layers
        if placed is None:
            return [attention] * self.model.layers
        mamba = block(self.model, self.given, attention=False)
        return [attention if layer in placed else mamba for layer in range(self.model.layers)]

    @property
    def _row(self) -> int:
        return self.given.positions * self.model.hidden_size * FLOAT

    @property
    def _table(self) -> int:
        return self.model.vocab_size * self.model.hidden_size

    @cached_property
    def _before(self) -> list[int]:
        """What is kept beside it when the backward pass comes to each block, and, last, to the final norm's input."""
        given, head = self.given, self.model.hidden_size // self.model.heads
        angles = (given.positions if given.packed else given.sequence) * 2 * head * FLOAT
        rotary = angles if self.model.family != "gpt" and self.model.attention_count else 0
        start = mask_bytes(self.model, given, FLOAT) + rotary
        if self.train.recompute:
            start += (
                0 if self.given.fused or self.given.packed else FLOAT * self.given.rows * self.given.sequence**2
            )  # the blocks' common mask
            return [start + self._row * (layer + 1) for layer in range(self.model.layers + 1)]
        return list(accumulate((part.saved for part in self._blocks), initial=start + self._row))

    @property
    def kept(self) -> int:
        """What the forward pass leaves for the backward pass, the loss excluded."""
        return self._before[-1] + norm_bytes(self.model, self.given, 1) + (2 * self._table if self.given.half else 0)

    def moments(self) -> Iterator[tuple[str, int]]:
        """The candidates for the peak: what goes on, and the bytes of all tensors then."""
        yield "loss", int(self.fixed + self.kept + 3 * FLOAT * self.given.positions * self.model.vocab_size + self._gradients(0))
        yield "head", int(self.fixed + self.kept + self._head())
        done = self._table + 2 * self.model.hidden_size
        for part, before in zip(reversed(self._blocks), reversed(self._before[:-1]), strict=True):
            for moment in part.moments:
                yield "block", int(self.fixed + before + moment.bytes + self._gradients(done, moment.parameters))
            done += part.parameters
        yield "embedding", int(self.fixed + self._embedding())
        yield "reduction", int(self.fixed + self._reduction())
        yield "step", int(self.fixed + self._step())

    def _head(self) -> int:
        """The logits' gradient beside those of the head's weights and input; then a root-mean-square norm's five N d. In 16 bits the
        casts are there too."""
        row, table, logits = self._row, FLOAT * self._table, FLOAT * self.given.positions * self.model.vocab_size
        product = (logits + table + row) if not self.given.half else max(logits // 2 + table // 2 + row, table + row)
        norm = table + (1 if self.model.family == "gpt" else 4) * row - row * self.given.width // FLOAT
        return max(product, norm) + self._gradients(0)

    def _gradients(self, done: int, inside: int = 0) -> int:
        """Gradients on the device once `done` parameters have theirs, and `inside` a block some more.

        Without accumulation they come one by one; with it those of the passes before are there from the start, and a tied head's waits
        for the embedding's. ZeRO 2 and 3 move them to a bucket, which ZeRO 1 and 2 allocate at the first and free at the last.
        """
        bucket = BUCKET * FLOAT if self.train.zero in (1, 2) and done else 0
        if self.train.zero >= 2:
            share = self.train.accumulation > 1 or self.parameters.trainable > BUCKET
            return bucket + FLOAT * inside + (int(self.states.gradients) if share and self.train.zero == 2 else 0)
        if self.train.accumulation == 1:
            return bucket + FLOAT * (done + inside)
        waiting = self._table if done and self.model.tied else 0
        return bucket + FLOAT * (self.parameters.trainable + waiting + inside)

    def _embedding(self) -> int:
        """The embedding's gradient is a whole table; a tied head's is added to it in a third."""
        done = self._gradients(self.parameters.trainable)
        table = FLOAT * self._table
        if not self.model.tied:
            return done + self._row + (table if self.train.accumulation > 1 or self.train.zero >= 2 else 0)
        return done + table + max(table, self._row)

    def _reduction(self) -> float:
        """DeepSpeed copies gradients into one flat tensor, a bucket at a time, on a single device too. ZeRO 2 keeps those of
        the passes before beside it, ZeRO 3 gathers nothing then."""
        trainable, stage = self.parameters.trainable, self.train.zero
        flat = min(trainable, BUCKET + self._table)
        if stage == 0:
            return FLOAT * (trainable + flat)
        before = trainable if stage == 2 and self.train.accumulation > 1 else 0
        return FLOAT * (before + BUCKET + flat if stage < 3 else 0)

    def _step(self) -> float:
        """Fused AdamW takes nothing more; the for-loop's takes a root and a quotient beside the last quotient. From ZeRO 1 on the
        gradients of the share are one flat tensor and a copy of it."""
        if self.train.zero == 0:
            return FLOAT * (self.parameters.trainable + max(self._loop() if self.kernel_level == 0 else 0, self._orthogonal))
        if self.train.offload != "none":
            return 0.0
        return FLOAT * (4 if self.kernel_level == 0 else 2) * self.parameters.trainable / self.world

    @property
    def _orthogonal(self) -> int:
        """Muon's update of a matrix in fp32, and four of its size in bf16, while it is made orthogonal; in floats."""
        return 3 * largest_matrix(self.model) if self.train.optimizer == "muon" else 0

    def _loop(self) -> int:
        d, f, k = self.model.hidden_size, self.model.ffn_size, self.model.kv_size
        inside = [3 * d * d, d * d, d * f, d * f] if self.model.family == "gpt" else [d * d, d * k, d * k, d * d, d * f, d * f, d * f]
        sizes = [0, self._table, *inside * min(self.model.layers, 2), *([] if self.model.tied else [self._table])]
        return max(last + 2 * size for last, size in pairwise(sizes))

    @property
    def checkpoint(self) -> float:
        """On a CPU, writing a checkpoint copies masters and moments beside them (12 P / W); loading one holds the file's and the new
        moments beside weights (4 P + 12 P / W + 8 P / W): the same under ZeRO 0."""
        share = 12 * self.parameters.trainable / self.world
        return self.fixed + share

    @property
    def checkpoint_host(self) -> float:
        """On an accelerator the host holds the file's masters and moments, and copies of the moments on their way."""
        return 20 * self.parameters.trainable / self.world
