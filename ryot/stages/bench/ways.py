"""What becomes of a scenario: it is measured; or tried again and again for the highest load that meets its targets; or made
on several servers in turns; or shown."""

from __future__ import annotations

from ryot.plugins import NodeError, StageContext
from ryot.stages.bench import capacity, gain, page, scaling, work
from ryot.stages.bench.stage import BenchConfig


def run(config: BenchConfig, context: StageContext) -> None:
    """Go the way that the config asks for. Raises NodeError."""
    if (config.scaling or config.gain) and (config.page or config.find):
        raise NodeError(f"{config.scenario} is about several servers in turns; a page or a search is about one", hint="take another")
    if config.scaling:
        scaling.run(config, config.scaling, context)
    elif config.gain:
        gain.run(config, config.gain, context)
    elif config.page:
        page.show(config, context)
    elif config.find:
        capacity.find(config, config.find, context)
    else:
        work.run(config, context)
