"""Another apply of a plan, as a program of its own: `python -m tests.engine.other STORE PLAN.json`. Prints each event's kind and node."""

import sys
from pathlib import Path

from ryot.engine import events
from ryot.plan.plan import Plan
from ryot.plugins.discover import discover, load_stage
from ryot.store.store import Store
from tests.conftest import TOYS, Bench


def main(store: str, plan: str) -> None:
    """Run the plan in the store with the toy stages."""
    plugins = {plugin.name: plugin for plugin in discover("ryot.stages", [TOYS]) if not plugin.builtin}
    bench = Bench(Store(Path(store)), plugins, {name: load_stage(plugin) for name, plugin in plugins.items()})
    for event in bench.events(Plan.model_validate_json(Path(plan).read_bytes())):
        if not isinstance(event, events.Progress):
            print(type(event).__name__, event.node, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
