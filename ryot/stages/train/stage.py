"""The `train` stage, light half: what a training node is made of. One node without `optimize`, else a baseline and an optimized one."""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Literal

from ryot.plugins import Circumstance, Facts, Measure, Node, Resources, Spec, SpecError, Stage, StageConfig
from ryot.stages.data.stage import heldout_of
from ryot.stages.rehearse.names import last_checks
from ryot.stages.windows import windows

SPEED = Resources(cpus=0, measures_speed=True)


def spread(resources: Resources, spec: Spec) -> Resources:
    """The resources of a node whose ranks are the training's: on as many machines."""
    return replace(resources, machines=spec.train.machines)


class MambaShape(StageConfig):
    """A Mamba-2 mixer, as `model.mamba` in a spec."""

    state_size: int
    head_size: int
    expand: int
    conv_size: int
    groups: int


class RopeShape(StageConfig):
    """Stretched rotary positions, as `model.rope_scaling` in a spec."""

    type: Literal["linear", "yarn", "llama3"]
    factor: float
    original_context: int | None = None
    beta_fast: float | None = None
    beta_slow: float | None = None
    attention_factor: float | None = None
    low_freq_factor: float | None = None
    high_freq_factor: float | None = None


class ModelShape(StageConfig):
    """The shape of the network, as `model` in a spec."""

    family: Literal["gpt", "llama", "hybrid"]
    vocab_size: int
    hidden_size: int
    layers: int
    heads: int
    kv_heads: int | None = None
    ffn_size: int
    context: int
    tied: bool = True
    dropout: float = 0.0
    rope_theta: float = 10000.0
    rope_scaling: RopeShape | None = None
    attention_layers: tuple[int, ...] | None = None
    mamba: MambaShape | None = None


class Recipe(StageConfig):
    """How the weights are found: batches, optimizer, schedule, precision, engine, sharding. As `train` in a spec; `sharding` is FSDP's and
    None with DeepSpeed, whose is `zero_stage`."""

    batch_size: int
    accumulation: int = 1
    samples: int | None = None
    epochs: int | None = None
    steps: int | None = None
    lr: float
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.01
    clip: float = 1.0
    schedule: Literal["cosine", "linear", "constant", "wsd"] = "cosine"
    decay_share: float = 0.2
    warmup_steps: int = 0
    seed: int = 42
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    optimizer: Literal["adamw", "muon"] = "adamw"
    ranks: int = 1
    engine: Literal["deepspeed", "fsdp"] = "deepspeed"
    sharding: Literal["full", "grad_op", "none"] | None = None
    zero_stage: Literal[0, 1, 2, 3] = 0
    offload: Literal["none", "optimizer", "all"] = "none"
    recompute: bool = False

    @property
    def global_batch(self) -> int:
        """Documents in one update."""
        return self.batch_size * self.accumulation * self.ranks

    def updates_per_epoch(self, documents: int) -> int:
        """Updates in one pass over `documents`; the last one may be smaller."""
        return math.ceil(documents / self.global_batch)

    def updates(self, documents: int) -> int:
        """Updates in all, when there are `documents` to train on."""
        return self.steps if self.steps is not None else (self.epochs or 0) * self.updates_per_epoch(documents)


class KernelChoice(StageConfig):
    """0 eager · 1 fused attention and AdamW, cheap dropout masks on a CPU · 2 and compiled, in bf16 where the device has it · 3 each only
    where a timing shows that it pays. `bf16` is whether products may be computed in it."""

    level: int = 0
    bf16: bool = True


class CompressorChoice(StageConfig):
    """`ratio` is the share of row positions asked to be removed; packing removes what padding there is, which is measured. With `auto`
    it is tried first, and kept where it saves time."""

    ratio: float
    auto: bool = False


class ScalingChoice(StageConfig):
    """Updates over which the rows per forward pass are timed."""

    warmup_steps: int


class TrainConfig(StageConfig):
    """Everything a training run is: the model, the recipe and the stack of optimizations. The held-out loss is looked at after every
    `evaluate_every` updates, or at `looks` even shares of the way, the same in runs of any length; and at the end."""

    model: ModelShape
    recipe: Recipe
    kernel: KernelChoice = KernelChoice()
    compressor: CompressorChoice | None = None
    scaling: ScalingChoice | None = None
    evaluate_every: int = 0
    looks: int = 0
    checkpoint_every: Annotated[int, Circumstance] = 50
    keep_checkpoints: Annotated[int, Circumstance] = 2
    divergence: Annotated[Literal["stop", "continue"], Circumstance] = "stop"
    on_out_of_memory: Annotated[Literal["stop", "halve"], Circumstance] = "stop"
    track: Annotated[tuple[Literal["tensorboard", "wandb", "mlflow"], ...], Circumstance] = ()


class TrainStage(Stage):
    """Trains a model from its first weights with DeepSpeed or FSDP, in processes started by torchrun."""

    name = "train"
    version = 3
    Config = TrainConfig
    takes = "tokens"
    gives = "weights"
    resources = SPEED
    work = "ryot.stages.train.work:run"
    measures = (
        Measure(name="final_loss", kind="mean", unit="nats/token", about="held-out loss at the end", sample="document"),
        Measure(name="train_loss", kind="exact", unit="nats/token", about="training loss of the last epoch's updates"),
        Measure(
            name="tokens_per_s",
            kind="mean",
            unit="tokens/s",
            about="real tokens, over equal windows of time; the first tenth of updates left out",
            sample="window",
        ),
        Measure(name="step_time", kind="mean", unit="s", about="an update after the first tenth", sample="update"),
        Measure(name="total_time", kind="exact", unit="s", about="all updates, compiling and calibration included"),
        Measure(name="parameters", kind="exact", about="all parameters, frozen position tables included"),
        Measure(name="updates", kind="exact", about="updates of the weights"),
        Measure(name="max_grad_norm", kind="exact", about="the largest global gradient norm before clipping"),
        Measure(name="bad_updates", kind="count", about="updates whose loss or gradient norm was NaN or infinite", sample="update"),
        Measure(name="divergences", kind="count", about="1 where the loss had diverged and the run went on: train.divergence: continue"),
        Measure(name="skipped_updates", kind="count", about="updates that fp16's overflowing gradient left out", sample="update"),
        Measure(name="padding_removed", kind="exact", unit="proportion", about="row positions fewer than one padded document a row takes"),
        Measure(name="memory_tensors", kind="exact", unit="bytes", about="weights, gradients, optimizer states and activations"),
        Measure(name="memory_rss", kind="exact", unit="bytes", about="peak resident memory of the training processes"),
    )

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """`train`, or `train.baseline` and `train.optimized`. Raises SpecError for what no machine can run."""
        del facts
        if spec.optimize is None:
            return [self._node("train", spec, KernelChoice(level=1))]
        optimize = spec.optimize
        baseline = self._node("train.baseline", spec, KernelChoice(**optimize.baseline.kernel.model_dump()))
        optimized = self._node(
            "train.optimized",
            spec,
            KernelChoice(**optimize.kernel.model_dump()),
            CompressorChoice(ratio=optimize.compressor.ratio, auto=optimize.auto) if optimize.compressor else None,
            ScalingChoice(warmup_steps=optimize.scaling.warmup_steps) if optimize.scaling else None,
        )
        return [baseline, optimized]

    def _node(
        self,
        name: str,
        spec: Spec,
        kernel: KernelChoice,
        compressor: CompressorChoice | None = None,
        scaling: ScalingChoice | None = None,
    ) -> Node:
        config = TrainConfig(
            model=model_shape(spec),
            recipe=recipe(spec),
            kernel=kernel,
            compressor=compressor,
            scaling=scaling,
            evaluate_every=spec.train.evaluate_every,
            checkpoint_every=spec.train.checkpoint_every,
            keep_checkpoints=spec.train.keep_checkpoints,
            divergence=spec.train.divergence,
            on_out_of_memory=spec.train.on_out_of_memory,
            track=spec.train.track,
        )
        if spec.model.family == "hybrid" and compressor is not None and compressor.ratio > 0:
            raise SpecError(
                "optimize.stack has a compressor, which packs several documents into a row, but a hybrid's Mamba layers would carry "
                "one document's state into the next",
                hint="leave the compressor out of the stack, or use family: llama",
            )
        _refuse_compiled(spec.train.zero, spec.train.engine, kernel)
        inputs = {"tokens": "tokenizer"}
        resources = spread(self.resources, spec)
        return Node(name, self.name, config, inputs, {}, resources, self.measures, samples_of(spec), after=last_checks(spec))


def _refuse_compiled(zero: int, engine: str, kernel: KernelChoice) -> None:
    """FSDP's grad_op is refused too: the check of bf16's gradients reads whole weights."""
    what, instead = {"deepspeed": ("ZeRO stage 3", "zero_stage 2"), "fsdp": ("FSDP", "sharding: none")}[engine]
    if kernel.level >= 2 and zero >= (2 if engine == "fsdp" else 3):
        raise SpecError(f"kernel.level 2 and 3 compile the blocks, which {what} takes apart", hint=f"use {instead} or kernel.level 1")


def trained_weights(spec: Spec) -> str:
    """The node whose weights training ends with: the optimized run, where there is one."""
    return "train" if spec.optimize is None else "train.optimized"


def samples_of(spec: Spec) -> dict[str, int]:
    """How many samples of each measure a run takes, where the spec alone tells."""
    updates, heldout = spec.train.updates, heldout_of(spec)
    documents = {} if heldout is None else {"final_loss": heldout}
    if updates is None:
        return documents
    return documents | {
        "bad_updates": updates,
        "skipped_updates": updates,
        "tokens_per_s": windows(updates),
    }


def model_shape(spec: Spec) -> ModelShape:
    """The spec's model, without what it was chosen by."""
    return ModelShape.model_validate(spec.model.shape())


def recipe(spec: Spec) -> Recipe:
    """The spec's training, without checkpoints."""
    fields = spec.train.model_dump(include=set(Recipe.model_fields))
    return Recipe.model_validate(fields | {"sharding": spec.train.shards})
