"""What the finished nodes of a plan measured, and why the others have nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter

from ryot.check.judge import Measured, measured_in
from ryot.check.looks import ALONE
from ryot.engine.survey import last_failure
from ryot.errors import NodeError
from ryot.measures import Evidence, Measure
from ryot.plan.plan import Plan, PlannedNode
from ryot.store.record import Record
from ryot.store.store import Store

FAILED = "failed: "
"""What the problem of a node that failed begins with."""


def measured(plan: Plan, store: Store) -> tuple[dict[str, Measured], dict[str, str]]:
    """Everything the plan's finished nodes measured, by `node/measure`, and for each other node why it has nothing; for an
    optional measure that was left out, by its `node/measure`, why that is. The samples of all rounds of a node are its own; what is one
    number a round also stands under each further round's name."""
    found: dict[str, Measured] = {}
    problems: dict[str, str] = {}
    taken: dict[str, _Taken] = {}
    for node in plan.nodes:
        if not node.is_service:
            _take(node, store, taken, problems)
    for name in taken:
        if not plan.node(name).round_of:
            _join(plan, name, taken, found, problems)
    return found, problems


@dataclass(frozen=True, slots=True)
class _Taken:
    """What a finished node recorded."""

    record: Record
    evidence: dict[str, Evidence]

    @property
    def declared(self) -> dict[str, Measure]:
        return {measure.name: measure for measure in self.record.measures}


def _take(node: PlannedNode, store: Store, taken: dict[str, _Taken], problems: dict[str, str]) -> None:
    """Read a node's record and samples, or say why there is nothing to read."""
    record = store.record(node.stage, node.key)
    if record is None:
        problems[node.name] = _problem(node, store)
        return
    try:
        read = _Taken(record, store.evidence(record))
    except NodeError as error:
        problems[node.name] = error.message
        return
    declared = read.declared
    if odd := sorted(read.evidence.keys() - declared.keys()) + [name for name in declared if _judged_otherwise(declared[name], node)]:
        problems[node.name] = f"has a record whose {odd[0]} is not the measure of the plan"
        return
    problems |= {f"{node.name}/{name}": why for name, why in record.lacking.items() if name not in read.evidence}
    taken[node.name] = read


def _join(plan: Plan, name: str, taken: Mapping[str, _Taken], found: dict[str, Measured], problems: dict[str, str]) -> None:
    """The measures of a node, with those of its further rounds; a round that is not there, or of another device, leaves none."""
    node, first = plan.node(name), taken[name]
    further = [each.name for each in plan.rounds(name)]
    if missing := [each for each in further if each not in taken]:
        problems[name] = f"has a round without samples: {missing[0]} {problems[missing[0]]}"
        return
    devices = sorted({taken[each].record.device for each in (name, *further)})
    if len(devices) > 1:
        problems[name] = f"has rounds on different devices, which are never pooled: {' and '.join(devices)}"
        return
    for measure, evidence in first.evidence.items():
        declared = first.declared[measure]
        if node.looks == 1 or declared.fixed:
            found[f"{name}/{measure}"] = Measured(declared, evidence)
            continue
        if lacking := [each for each in further if measure not in taken[each].evidence]:
            why = problems.get(f"{lacking[0]}/{measure}", "it gives no reason")
            problems[f"{name}/{measure}"] = f"it is missing in {lacking[0]}: {why}"
            continue
        rounds = [evidence, *(taken[each].evidence[measure] for each in further)]
        found[f"{name}/{measure}"] = measured_in(declared, rounds, node.looks)
        if declared.kind in ALONE:
            found |= {f"{each}/{measure}": Measured(declared, item) for each, item in zip(further, rounds[1:], strict=True)}


def _judged_otherwise(recorded: Measure, node: PlannedNode) -> bool:
    """Whether the plan has a measure of that name by which the same samples would be judged in another way."""
    planned = next((measure for measure in node.measures if measure.name == recorded.name), recorded)
    fields = attrgetter("kind", "unit", "quantile", "form")
    return bool(fields(planned) != fields(recorded))


def _problem(node: PlannedNode, store: Store) -> str:
    failure = last_failure(store, node)
    return f"{FAILED}{failure.message}" if failure else "was not run"
