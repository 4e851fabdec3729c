"""A stage that records whatever evidence it is told to, as a plugin's author might, by mistake or not."""

import json

from ryot.plugins import Measure, Stage, StageConfig, StageContext


class LiarConfig(StageConfig):
    told: str = "{}"
    """JSON: by a measure's name its evidence; NaN and Infinity are read."""


class Liar(Stage):
    """Declares a measure of each kind and records what it is told."""

    name = "liar"
    Config = LiarConfig
    measures = (
        Measure(name="errors", kind="count", optional=True),
        Measure(name="found", kind="exact", optional=True),
        Measure(name="accuracy", kind="proportion", unit="proportion", optional=True),
        Measure(name="latency_p95", kind="percentile", quantile=0.95, unit="s", optional=True),
        Measure(name="loss", kind="mean", optional=True),
        Measure(name="saved", kind="ratio", form="reduction", unit="proportion", optional=True),
        Measure(name="ece", kind="calibration", optional=True),
        Measure(name="auroc", kind="ranking", optional=True),
        Measure(name="taken", kind="exact"),
    )

    def run(self, config: LiarConfig, context: StageContext) -> None:
        told = json.loads(config.told)
        for name, evidence in told.items():
            context.measure(name, **evidence)
        context.write("told.json", config.told)
        if told:
            context.measure("taken", 1)
