"""What the finished nodes of a plan measured, and why the others have nothing."""

from __future__ import annotations

from operator import attrgetter

from ryot.check.judge import Measured
from ryot.engine.survey import last_failure
from ryot.errors import NodeError
from ryot.measures import Measure
from ryot.plan.plan import Plan, PlannedNode
from ryot.store.store import Store

FAILED = "failed: "
"""What the problem of a node that failed begins with."""


def measured(plan: Plan, store: Store) -> tuple[dict[str, Measured], dict[str, str]]:
    """Everything the plan's finished nodes measured, by `node/measure`, and for each other node why it has nothing; for an
    optional measure that was left out, by its `node/measure`, why that is."""
    found: dict[str, Measured] = {}
    problems: dict[str, str] = {}
    for node in plan.nodes:
        if node.is_service:
            continue
        record = store.record(node.stage, node.key)
        if record is None:
            problems[node.name] = _problem(node, store)
            continue
        try:
            evidence = store.evidence(record)
        except NodeError as error:
            problems[node.name] = error.message
            continue
        declared = {measure.name: measure for measure in record.measures}
        if odd := sorted(evidence.keys() - declared.keys()) + [name for name in declared if _judged_otherwise(declared[name], node)]:
            problems[node.name] = f"has a record whose {odd[0]} is not the measure of the plan"
            continue
        problems |= {f"{node.name}/{name}": why for name, why in record.lacking.items() if name not in evidence}
        found |= {f"{node.name}/{name}": Measured(declared[name], item) for name, item in evidence.items()}
    return found, problems


def _judged_otherwise(recorded: Measure, node: PlannedNode) -> bool:
    """Whether the plan has a measure of that name by which the same samples would be judged in another way."""
    planned = next((measure for measure in node.measures if measure.name == recorded.name), recorded)
    fields = attrgetter("kind", "unit", "quantile", "form")
    return bool(fields(planned) != fields(recorded))


def _problem(node: PlannedNode, store: Store) -> str:
    failure = last_failure(store, node)
    return f"{FAILED}{failure.message}" if failure else "was not run"
