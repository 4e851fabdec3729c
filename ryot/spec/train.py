"""`train`: how the weights are found. `optimize`: the plain baseline and the stack that has to beat it."""

import math
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from ryot.spec.section import Section
from ryot.units import Count, Proportion


class Train(Section):
    """How the weights are found."""

    engine: Literal["deepspeed", "fsdp"] = "deepspeed"
    """The training engine: DeepSpeed (ZeRO), or torch's own FSDP."""
    batch_size: int = Field(16, ge=1)
    """Documents in a micro-batch, on each rank."""
    accumulation: int = Field(1, ge=1)
    """Micro-batches whose gradients make one update."""
    samples: Count | None = Field(None, ge=1)
    """Train on this many documents of the training split; by default on all. Where data.tokenizer.long is split, a document longer than
    the context is several."""
    epochs: int | None = Field(None, ge=1)
    """Passes over the documents. Give epochs or steps."""
    steps: Count | None = Field(None, ge=1)
    """Updates of the weights. Give epochs or steps."""
    lr: float = Field(1e-4, gt=0, lt=10)
    """Peak learning rate."""
    betas: tuple[float, float] = (0.9, 0.999)
    """AdamW's decay rates."""
    weight_decay: float = Field(0.01, ge=0, lt=1)
    """Decoupled weight decay, on matrices only."""
    clip: float = Field(1.0, gt=0)
    """Largest global norm of a gradient."""
    schedule: Literal["cosine", "linear", "constant", "wsd"] = "cosine"
    """The learning rate after the warm-up: down to 0 along a cosine or a line; constant; or wsd, constant and at the end down to 0."""
    decay_share: Proportion = Field(0.2, gt=0)
    """The share of all updates at the end of schedule: wsd over which the rate falls to 0, by 1 - sqrt."""
    warmup_steps: int = Field(0, ge=0)
    """Updates over which the learning rate rises from 0 to lr; fewer than all."""
    seed: int = Field(42, ge=0)
    """Seed of the initial weights, the order of documents and dropout."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Arithmetic of the forward and backward pass. fp16 scales the loss and skips updates that overflow; it needs ZeRO 0 or FSDP."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """AdamW for all parameters, or Muon for the matrices inside the blocks and AdamW for the rest, which needs ZeRO 0 or FSDP's none."""
    ranks: int = Field(1, ge=1, le=4096)
    """Training processes; the global batch is batch_size x accumulation x ranks."""
    machines: int = Field(1, ge=1, le=512)
    """Machines that the ranks are spread over, as many on each. More than one needs a backend that has them: slurm, ray or hostfile."""
    zero_stage: int = Field(0, ge=0, le=3)
    """What DeepSpeed shards between ranks: 0 nothing, 1 optimizer states, 2 and gradients, 3 and parameters."""
    sharding: Literal["full", "grad_op", "none"] | None = None
    """What FSDP shards between ranks: full (its default) weights, gradients and optimizer states, as ZeRO 3; grad_op not the weights while
    they are in use, as ZeRO 2; none: plain data parallel."""
    offload: Literal["none", "optimizer", "all"] = "none"
    """What DeepSpeed keeps in the host's memory: nothing, the optimizer's states (ZeRO 1 to 3), or those and the weights (ZeRO 3)."""
    recompute: bool = False
    """Activation checkpointing: keep each block's input only and compute the rest again in the backward pass."""
    sequence: Count | None = Field(None, ge=8)
    """Tokens of a row that plans reckon with; by default the model's context. Changes no result."""
    evaluate_every: int = Field(0, ge=0)
    """Updates between two looks at the held-out documents, whose curve the history keeps; 0 looks at the end only."""
    track: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = ("tensorboard",)
    """What else keeps a run's numbers, all on this machine: TensorBoard's event files, W&B offline, MLflow. Changes no result."""
    checkpoint_every: int = Field(50, ge=1)
    """Updates between checkpoints. Changes no result."""
    keep_checkpoints: int = Field(2, ge=1)
    """How many of the newest checkpoints are kept while training, beside the best. Changes no result."""
    divergence: Literal["stop", "continue"] = "stop"
    """Whether a run stops whose loss has risen by one nat for good, or has stayed worse than guessing. Changes no result."""
    on_out_of_memory: Literal["stop", "halve"] = "stop"
    """When memory runs out in an update: stop, or go on after the last checkpoint with half of batch_size and twice the accumulation,
    which is recorded. The updates are of the same documents; only rounding differs."""

    @property
    def ranks_each(self) -> int:
        """Ranks on one machine."""
        return self.ranks // self.machines

    @property
    def shards(self) -> Literal["full", "grad_op", "none"] | None:
        """FSDP's sharding, its default put in; None with DeepSpeed."""
        return (self.sharding or "full") if self.engine == "fsdp" else None

    @property
    def zero(self) -> int:
        """The ZeRO stage that shards the same, whatever the engine."""
        return self.zero_stage if self.shards is None else {"full": 3, "grad_op": 2, "none": 0}[self.shards]

    @property
    def global_batch(self) -> int:
        """Documents per update."""
        return self.batch_size * self.accumulation * self.ranks

    @property
    def updates(self) -> int | None:
        """Updates in all, where the spec alone tells; None when it depends on how many documents there are."""
        if self.steps is not None:
            return self.steps
        if self.samples is None or self.epochs is None:
            return None
        return self.epochs * math.ceil(self.samples / self.global_batch)

    def decay_updates(self, updates: int) -> int:
        """Of `updates` in all, those at the end over which schedule: wsd lets the rate fall."""
        return math.ceil(self.decay_share * updates)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give exactly one of epochs and steps")
        if self.updates is not None and self.warmup_steps >= self.updates:
            raise ValueError(
                f"warmup_steps {self.warmup_steps} of {self.updates} updates: the warm-up would never end, and the learning rate "
                f"never reach its peak; about {max(self.updates // 20, 1)} (5 %) is usual"
            )
        if self.ranks % self.machines:
            near = f"{self.ranks - self.ranks % self.machines} or " if self.ranks > self.machines else ""
            more = self.machines * (self.ranks_each + 1)
            raise ValueError(f"ranks {self.ranks} cannot be spread evenly over machines {self.machines}: write ranks: {near}{more}")
        self._decays()
        self._one_engine()
        self._supported()
        if self.offload != "none" and self.zero_stage < (3 if self.offload == "all" else 1):
            needed = "zero_stage 3" if self.offload == "all" else "zero_stage 1, 2 or 3"
            raise ValueError(f"offload: {self.offload} needs {needed}; here it is {self.zero_stage}")
        return self

    def _decays(self) -> None:
        if self.schedule != "wsd" and self.decay_share != type(self).model_fields["decay_share"].default:
            raise ValueError(f"decay_share is of schedule: wsd; here it is {self.schedule}")
        if self.schedule == "wsd" and self.updates is not None and self.warmup_steps + self.decay_updates(self.updates) > self.updates:
            raise ValueError(
                f"warmup_steps {self.warmup_steps} and a decay_share of {self.decay_share:.0%} take more than the {self.updates} updates: "
                "the decay would begin in the warm-up"
            )

    def _one_engine(self) -> None:
        """Refuse settings of one engine beside the other."""
        if self.engine == "deepspeed" and self.sharding is not None:
            raise ValueError("sharding is FSDP's: write engine: fsdp, or zero_stage, which is DeepSpeed's")
        if self.engine == "fsdp" and self.zero_stage:
            instead = {1: "grad_op", 2: "grad_op", 3: "full"}[self.zero_stage]
            raise ValueError(f"zero_stage is DeepSpeed's: with engine: fsdp write sharding: {instead}, or leave engine out")
        if self.engine == "fsdp" and self.offload != "none":
            raise ValueError("offload is DeepSpeed's: leave it out with engine: fsdp, or write engine: deepspeed and a zero_stage")

    def _supported(self) -> None:
        """Refuse what sharding leaves no room for."""
        if self.precision == "fp16" and self.zero_stage:
            raise ValueError("precision: fp16 scales its losses, which ryot does with zero_stage 0 or engine: fsdp; or use bf16 or fp32")
        if self.optimizer == "muon" and self.zero:
            instead = "sharding: none" if self.engine == "fsdp" else "zero_stage 0"
            raise ValueError(f"optimizer: muon needs each matrix whole, which sharding takes apart: use {instead}, or adamw")

    @field_validator("betas")
    @classmethod
    def _decay(cls, betas: tuple[float, float]) -> tuple[float, float]:
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError("betas lie between 0 and 1, 1 excluded")
        return betas


class Kernel(Section):
    """How the arithmetic is carried out; changes speed, not the mathematics."""

    level: int = Field(1, ge=0, le=3)
    """0 eager, naive attention, for-loop AdamW · 1 fused attention and AdamW, and on a CPU dropout masks that cost less · 2 and compiled,
    in bf16 · 3 each of them only if a timing on the device shows that it pays within the run."""
    bf16: bool = True
    """Whether levels 2 and 3 may compute in bf16 where the device does so itself and the gradients agree with fp32's. Weights,
    optimizer and held-out losses stay fp32."""


class Compressor(Section):
    """Less work for the same documents."""

    ratio: Proportion = 0.3
    """The share of row positions to remove. Packing documents into rows removes what padding there is; how much is measured."""


class Scaling(Section):
    """Calibration at the start of a run."""

    warmup_steps: int = Field(20, ge=1)
    """Updates over which the number of rows per forward pass is timed; the global batch stays as it is."""


class Member(Section):
    """One member of the optimization stack: exactly one of the three."""

    kernel: Kernel | None = None
    """Faster arithmetic."""
    compressor: Compressor | None = None
    """Less of it."""
    scaling: Scaling | None = None
    """Better shaped."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("a member of the stack is exactly one of kernel, compressor and scaling")
        return self


class Baseline(Section):
    """What the stack is compared with."""

    kernel: Kernel = Kernel(level=0)
    """The plain run's arithmetic."""


class Ablate(Section):
    """The stack taken apart: timed with each part left out, and each part alone."""

    rounds: int = Field(8, ge=4, le=1000)
    """Rounds in which every variant has its turn; a block of updates each."""


class Optimize(Section):
    """The plain baseline and the stack that has to beat it. Both are trained, then compared."""

    baseline: Baseline = Baseline()
    """What the stack is compared with."""
    stack: tuple[Member, ...] = Field((), max_length=3)
    """The optimizations, each named at most once."""
    blocks: int = Field(12, ge=4, le=1000)
    """Pairs of timed blocks, baseline and optimized in alternation, from which the speed-up is judged."""
    block_steps: int = Field(2, ge=1)
    """Updates in one timed block."""

    auto: bool = False
    """Try the compressor first, and leave it out where it saves no time; kernel level 3 and scaling choose so anyway."""
    gate: Literal["continue", "stop"] = "continue"
    """Whether the nodes after the comparison run when its gate is missed (25 % less time, 20 % more throughput, loss within 0.05 and
    1 %). With stop, export refuses, and says what to change."""
    ablate: Ablate | None = None
    """What each part of the stack contributes; takes about a dozen runs' memory at once."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [name for member in self.stack for name in member.model_fields_set]
        if len(set(names)) != len(names):
            raise ValueError("each member of the stack is named at most once")
        return self

    @property
    def kernel(self) -> Kernel:
        """The stack's kernel; plain where the stack has none."""
        return next((member.kernel for member in self.stack if member.kernel), Kernel(level=0))

    @property
    def compressor(self) -> Compressor | None:
        """The stack's compressor, if any."""
        return next((member.compressor for member in self.stack if member.compressor), None)

    @property
    def scaling(self) -> Scaling | None:
        """The stack's scaling engine, if any."""
        return next((member.scaling for member in self.stack if member.scaling), None)
