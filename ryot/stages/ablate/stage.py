"""The `ablate` stage, light half: what each part of the optimization stack contributes."""

from collections.abc import Iterable

from ryot.plugins import Facts, Measure, Node, Resources, Spec, SpecError, Stage, StageConfig
from ryot.stages.ablate.parts import PARTS
from ryot.stages.train.stage import TrainConfig, TrainStage, spread


class AblateConfig(StageConfig):
    """Both sides' settings, and how many rounds of how many updates of every variant are timed."""

    baseline: TrainConfig
    optimized: TrainConfig
    rounds: int
    block_steps: int


def _measure(name: str, about: str) -> Measure:
    """Optional, because a run may have chosen to do without the part."""
    return Measure(name=name, kind="ratio", pair_unit="s", form="reduction", unit="proportion", about=about, sample="round", optional=True)


class AblateStage(Stage):
    """Times the stack with each part left out and each part alone, in turns and on the same documents."""

    name = "ablate"
    version = 3
    Config = AblateConfig
    takes = "weights"
    gives = "ablation"
    resources = Resources(cpus=0, measures_speed=True)
    work = "ryot.stages.ablate.work:run"
    measures = (
        *(_measure(f"{part}_gain", f"less time with {what}, the rest of the stack in place") for part, what in PARTS.items()),
        *(_measure(f"{part}_alone", f"less time with nothing but {what}") for part, what in PARTS.items()),
    )

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """One node when the spec has `optimize.ablate`. Raises SpecError for a baseline that is itself optimized."""
        if spec.optimize is None or spec.optimize.ablate is None:
            return []
        if spec.optimize.baseline.kernel.level > 1:
            raise SpecError(
                "optimize.ablate takes the stack apart down to kernel level 0 or 1, and the baseline's is "
                f"{spec.optimize.baseline.kernel.level}",
                hint="set optimize.baseline.kernel.level to 0 or 1, or leave ablate out",
            )
        sides = {node.name: TrainConfig.model_validate(node.config.model_dump()) for node in TrainStage().expand(spec, facts)}
        config = AblateConfig(
            baseline=sides["train.baseline"],
            optimized=sides["train.optimized"],
            rounds=spec.optimize.ablate.rounds,
            block_steps=spec.optimize.block_steps,
        )
        inputs = {"tokens": "tokenizer", "optimized": "train.optimized"}
        return [Node("ablate", self.name, config, inputs, {}, spread(self.resources, spec), self.measures, self._samples(config))]

    def _samples(self, config: AblateConfig) -> dict[str, int]:
        return {measure.name: config.rounds for measure in self.measures}
