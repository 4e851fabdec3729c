"""What becomes of a scenario: it is measured; or tried again and again for the highest load that meets its targets; or shown."""

from __future__ import annotations

from ryot.plugins import StageContext
from ryot.stages.bench import capacity, page, work
from ryot.stages.bench.stage import BenchConfig


def run(config: BenchConfig, context: StageContext) -> None:
    """Go the way that the config asks for. Raises NodeError."""
    if config.page:
        page.show(config, context)
    elif config.find:
        capacity.find(config, config.find, context)
    else:
        work.run(config, context)
