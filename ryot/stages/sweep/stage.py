"""The `sweep` stage, light half: which values are tried for which fields, and by what training."""

from collections.abc import Iterable
from typing import Literal

from ryot.plugins import Facts, Measure, Node, Resources, Spec, SpecError, Stage, StageConfig
from ryot.stages.data.stage import heldout_of
from ryot.stages.rehearse.names import last_checks
from ryot.stages.train.stage import CompressorChoice, KernelChoice, TrainConfig, model_shape, recipe, spread


class Dimension(StageConfig):
    """A field, `train.lr`, and what is tried of it: the listed values, or all from `low` to `high`."""

    field: str
    kind: Literal["real", "whole", "listed"]
    low: float | int | None = None
    high: float | int | None = None
    log: bool = False
    values: tuple[int | float | str, ...] = ()


class SweepConfig(StageConfig):
    """The training that all trials are variants of, and the fields that vary. A trial reads `documents`, repeats counted; None: as many
    epochs as the training."""

    train: TrainConfig
    over: tuple[Dimension, ...]
    trials: int
    documents: int | None
    looks: int
    prune: bool
    seed: int


class SweepStage(Stage):
    """Trains with other values for some fields, and says which did best on documents that no choice was made by."""

    name = "sweep"
    version = 2
    Config = SweepConfig
    takes = "tokens"
    resources = Resources(cpus=0)
    work = "ryot.stages.sweep.work:run"
    measures = (
        Measure(name="best_loss", kind="mean", unit="nats/token", about="held-out loss of the best trial", sample="document"),
        Measure(
            name="loss_reduction", kind="mean", unit="nats/token", about="by which it is below the spec's own values", sample="document"
        ),
        Measure(name="trials", kind="exact", about="trials carried out, failed and pruned ones counted"),
        Measure(name="failed_trials", kind="exact", about="trials that could not go on, as one that diverged"),
    )

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """One node, where the spec has `sweep`. Raises SpecError for a value that the spec could not have."""
        del facts
        if spec.sweep is None:
            return []
        if wrong := spec.sweep.unsound(spec.train, spec.model):
            raise SpecError(wrong)
        config = SweepConfig(
            train=_training(spec),
            over=tuple(Dimension(field=name, **fields) for name, fields in spec.sweep.dimensions().items()),
            trials=spec.sweep.trials,
            documents=spec.sweep.documents_of(spec.train),
            looks=spec.sweep.looks,
            prune=spec.sweep.prune,
            seed=spec.sweep.seed,
        )
        heldout = heldout_of(spec)
        samples = {} if heldout is None else dict.fromkeys(("best_loss", "loss_reduction"), heldout // 2)
        inputs = {"tokens": "tokenizer"}
        resources = spread(self.resources, spec)
        return [Node("sweep", self.name, config, inputs, {}, resources, self.measures, samples, after=last_checks(spec))]


def _training(spec: Spec) -> TrainConfig:
    """The training of a trial: that of the spec, without what is chosen by timing, so that a trial's loss does not depend on it."""
    optimize = spec.optimize
    packs = optimize.compressor if optimize else None
    level = min(optimize.kernel.level, 1) if optimize else 1
    return TrainConfig(
        model=model_shape(spec),
        recipe=recipe(spec),
        kernel=KernelChoice(level=level),
        compressor=CompressorChoice(ratio=packs.ratio) if packs and spec.model.family != "hybrid" else None,
        checkpoint_every=spec.train.checkpoint_every,
        keep_checkpoints=1,
    )
