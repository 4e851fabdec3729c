"""The `compare` stage, light half: the baseline against the optimized run, in speed and in loss."""

from collections.abc import Iterable
from typing import Annotated

from ryot.plugins import Circumstance, Facts, Measure, Node, Resources, Spec, Stage, StageConfig
from ryot.stages.data.stage import heldout_of
from ryot.stages.train.stage import TrainConfig, TrainStage, spread

SYSTEM_PAIRS = 4
"""Pairs of blocks in which the stack without packing takes part."""


class CompareConfig(StageConfig):
    """What is compared: both sides' settings, and how many pairs of blocks of how many updates are timed."""

    name: str
    baseline: TrainConfig
    optimized: TrainConfig
    blocks: int
    block_steps: int
    draw: Annotated[int, Circumstance] = 0
    """Which blocks are timed: 0 the first ones, 1 those that follow these, and so on. The key of a further round tells its number."""


class CompareStage(Stage):
    """Times both sides in alternating blocks of updates on the same documents, and sets the finished runs' losses side by side."""

    name = "compare"
    version = 3
    Config = CompareConfig
    takes = "weights"
    gives = "comparison"
    redraws = "draw"
    resources = Resources(cpus=0, measures_speed=True)
    work = "ryot.stages.compare.work:run"
    measures = (
        Measure(
            name="stack_time_reduction",
            kind="ratio",
            pair_unit="s",
            form="reduction",
            unit="proportion",
            about="less time for the same documents",
            sample="pair",
        ),
        Measure(
            name="speed_ratio",
            kind="ratio",
            pair_unit="s",
            form="speedup",
            about="baseline time over optimized time, of the same blocks",
            sample="pair",
        ),
        Measure(
            name="system_time_reduction",
            kind="ratio",
            pair_unit="s",
            form="reduction",
            unit="proportion",
            about="the same without packing: the same rows, padded",
            sample="pair",
        ),
        Measure(name="throughput_improvement", kind="exact", unit="proportion", about="more real tokens per second, over all blocks"),
        Measure(
            name="loss_gap", kind="mean", unit="nats/token", about="held-out loss, optimized minus baseline", sample="document", fixed=True
        ),
        Measure(
            name="loss_gap_relative",
            kind="mean",
            unit="proportion",
            about="the same as a share of the baseline's mean loss",
            sample="document",
            fixed=True,
        ),
        Measure(
            name="total_time_reduction",
            kind="exact",
            unit="proportion",
            about="of the full runs, compiling and calibration included",
            fixed=True,
        ),
        Measure(
            name="time_to_loss_reduction",
            kind="exact",
            unit="proportion",
            about="less time, all included, to the training loss (mean of ten updates) that both sides reach",
            fixed=True,
        ),
        Measure(name="compile_time", kind="exact", unit="s", about="the optimized side's first update beyond a later one"),
    )

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """One node when the spec has `optimize`."""
        if spec.optimize is None:
            return []
        sides = {node.name: node.config for node in TrainStage().expand(spec, facts)}
        config = CompareConfig(
            name=spec.model.preset or spec.name,
            baseline=_side(sides["train.baseline"]),
            optimized=_side(sides["train.optimized"]),
            blocks=spec.optimize.blocks,
            block_steps=spec.optimize.block_steps,
        )
        inputs = {"tokens": "tokenizer", "baseline": "train.baseline", "optimized": "train.optimized"}
        resources, samples = spread(self.resources, spec), samples_of(config, heldout_of(spec))
        return [Node("compare", self.name, config, inputs, {}, resources, self.measures, samples)]


def samples_of(config: CompareConfig, heldout: int | None) -> dict[str, int]:
    """How many pairs each ratio is taken from, and how many documents the losses, where that is known."""
    system = min(config.blocks, SYSTEM_PAIRS) if config.optimized.compressor else config.blocks
    documents = {} if heldout is None else {"loss_gap": heldout, "loss_gap_relative": heldout}
    return {"stack_time_reduction": config.blocks, "speed_ratio": config.blocks, "system_time_reduction": system} | documents


def _side(config: StageConfig) -> TrainConfig:
    assert isinstance(config, TrainConfig)
    return config
