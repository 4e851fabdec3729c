"""A stage that draws samples by a seed, so that a further round draws others."""

import random
from pathlib import Path
from typing import Annotated

from ryot.plugins import Circumstance, Measure, NodeError, Stage, StageConfig, StageContext


class DrawConfig(StageConfig):
    seed: int = 0
    count: int = 40
    gate: Annotated[str, Circumstance] = ""
    """A named pipe; round `gated` reads it before it draws, so that a test decides when it goes on."""
    gated: Annotated[int, Circumstance] = 0
    fail_while: Annotated[str, Circumstance] = ""
    """Round `gated` fails as long as this file exists."""


class Draw(Stage):
    """Draws times from an exponential distribution with a mean of one second: their p95 is 2.996 s."""

    name = "draw"
    Config = DrawConfig
    takes = gives = "documents"
    redraws = "seed"
    measures = (
        Measure(name="latency_p95", kind="percentile", quantile=0.95, unit="s", sample="request"),
        Measure(name="errors", kind="count", sample="request"),
        Measure(name="kept", kind="mean", fixed=True),
        Measure(name="seen", kind="mean", optional=True),
    )

    def run(self, config: DrawConfig, context: StageContext) -> None:
        if config.gate and config.seed + 1 == config.gated:
            Path(config.gate).read_text()
        if config.fail_while and config.seed + 1 == config.gated and Path(config.fail_while).exists():
            raise NodeError("asked to fail", hint="ask it not to")
        draw = random.Random(config.seed)
        context.measure("latency_p95", samples=[draw.expovariate(1) for _ in range(config.count)])
        context.measure("errors", config.seed, of=config.count)
        context.measure("kept", samples=(1.0, 2.0, 3.0, 4.0))
        if config.seed:
            context.lack("seen", "nothing was to be seen")
        else:
            context.measure("seen", samples=(1.0, 2.0, 3.0, 4.0))
