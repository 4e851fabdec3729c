"""From a Spec to a Plan: every stage expands its sections, plugins are inserted, keys are made, targets are checked.

Pure: no disk, no clock, no network. What is not pure stands in Facts.
"""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from typing import Any

from pydantic import ValidationError

from ryot.errors import MOST_ERRORS, MachineError, Place, RyotError, SpecError, SpecErrors
from ryot.fingerprint import fingerprint, stable
from ryot.measures import Measure, fits
from ryot.plan.plan import Plan, PlannedNode
from ryot.plugins.stage import Facts, Node, Service, Stage, StageConfig, identity
from ryot.spec.spec import Insert, Spec

Where = Callable[..., Place]


@dataclass(frozen=True, slots=True)
class _Nodes:
    """Nodes under construction, by name, in the order they were made."""

    by_name: Mapping[str, Node]
    stages: Mapping[str, Stage]

    def gives(self, name: str) -> str | None:
        return self.stages[self.by_name[name].stage].gives


def compile_plan(spec: Spec, stages: Mapping[str, Stage], facts: Facts, where: Where) -> Plan:
    """The plan of a spec. `stages` holds the built-in stages and those the spec inserts; `where` places a path of the spec.

    Raises SpecErrors for what the spec has wrong, MachineError for what this installation cannot do.
    """
    facts = replace(facts, cpus=spec.hardware.cpus)
    nodes = _expand(spec, stages, facts, where)
    readers = _readers(nodes.by_name.values())
    for index, insert in enumerate(spec.stages):
        nodes = _insert(nodes, readers, insert, index, where)
    planned = plan_nodes(nodes.by_name, stages, facts)
    plan = Plan(
        name=spec.name, profile=facts.profile, device=facts.device, digests=dict(facts.digests), nodes=planned, targets=spec.targets
    )
    wrong = (error for index in range(len(spec.targets)) if (error := _target_error(plan, index, where)))
    _raise_all(list(islice(wrong, MOST_ERRORS + 1)))
    return plan


def _raise_all(errors: Sequence[SpecError]) -> None:
    if errors:
        raise SpecErrors(errors)


def _expand(spec: Spec, stages: Mapping[str, Stage], facts: Facts, where: Where) -> _Nodes:
    found: dict[str, Node] = {}
    for stage in stages.values():
        for node in _expanded(stage, spec, facts, where):
            if node.name in found:
                raise MachineError(f"the stages {found[node.name].stage} and {stage.name} both make a node {node.name}")
            found[node.name] = node
    return _Nodes(found, stages)


def _expanded(stage: Stage, spec: Spec, facts: Facts, where: Where) -> list[Node]:
    """The nodes a stage makes; an error of its own that says no place gets that of its section."""
    try:
        return list(stage.expand(spec, facts))
    except RyotError as error:
        if error.at is None:
            error.at = where(stage.name)
        raise


def _readers(nodes: Iterable[Node]) -> dict[str, list[str]]:
    """By node those that read it: with a thousand inserts none has to look for them among all."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        for source in dict.fromkeys(node.inputs.values()):
            found.setdefault(source, []).append(node.name)
    return found


def _insert(nodes: _Nodes, readers: dict[str, list[str]], insert: Insert, index: int, where: Where) -> _Nodes:
    """The nodes with one more, and `readers` as they are then."""
    stage = nodes.stages[insert.use]
    name = insert.name or insert.use
    at = where("stages", index)
    if insert.after not in nodes.by_name:
        message = f"stages.{index}.after: there is no node {insert.after!r}"
        raise SpecErrors([SpecError(message, at=where("stages", index, "after"), hint=_near(insert.after, nodes.by_name))])
    if name in nodes.by_name:
        raise SpecErrors([SpecError(f"a node {name!r} is there already", at=at, hint="give this one a `name` of its own")])
    given = nodes.gives(insert.after)
    if stage.takes is None or stage.takes != given or stage.gives != given:
        message = f"{insert.use} takes {stage.takes} and gives {stage.gives}; behind {insert.after} it must take and give {given}"
        hint = f"put it behind a node that gives {stage.takes}" if stage.takes == stage.gives else "only what takes and gives the same can"
        raise SpecErrors([SpecError(message, at=at, hint=hint)])
    config = _validate(stage, insert, index, where)
    node = Node(name, insert.use, config, {stage.takes: insert.after}, {}, stage.resources, stage.measures)
    moved = {reader: nodes.by_name[reader] for reader in readers.get(insert.after, ())}
    rewired = {reader: replace(node, inputs=_rewired(node.inputs, insert.after, name)) for reader, node in moved.items()}
    readers[name], readers[insert.after] = list(moved), [name]
    return _Nodes({**nodes.by_name, **rewired, name: node}, nodes.stages)


def _rewired(inputs: Mapping[str, str], old: str, new: str) -> dict[str, str]:
    return {slot: new if source == old else source for slot, source in inputs.items()}


def _validate(stage: Stage, insert: Insert, index: int, where: Where) -> StageConfig:
    try:
        return stage.Config.model_validate(insert.with_)
    except ValidationError as error:
        known = ", ".join(stage.Config.model_fields) or "none"
        raise SpecErrors(
            [
                SpecError(
                    f"{stage.name}: {'.'.join(map(str, item['loc']))}: {words_of(item['type'], item['msg'])}",
                    at=where("stages", index, "with", *item["loc"]),
                    hint=f"settings of {stage.name}: {known}",
                )
                for item in error.errors(include_url=False)
            ]
        ) from None


def words_of(kind: str, message: str) -> str:
    """What pydantic finds wrong with a setting, by its type of error and its message, in ryot's words."""
    return "there is no such setting" if kind == "extra_forbidden" else message.replace("Input should be", "should be")


def plan_nodes(nodes: Mapping[str, Node], stages: Mapping[str, Stage], facts: Facts) -> tuple[PlannedNode, ...]:
    """Nodes by name, put into an order in which they can run, each with its key."""
    planned: dict[str, PlannedNode] = {}
    _refuse_ordered_services(nodes.values(), stages)
    for name in _order(nodes):
        planned[name] = _plan_node(nodes[name], stages[nodes[name].stage], planned, facts)
    _refuse_twins(planned.values())
    return tuple(planned.values())


def _refuse_ordered_services(nodes: Iterable[Node], stages: Mapping[str, Stage]) -> None:
    """A service comes up for what needs it and is never finished: nothing can come after it, nor it after anything."""
    services = {node.name for node in nodes if isinstance(stages[node.stage], Service)}
    for node in nodes:
        if node.after and (node.name in services or services.intersection(node.after)):
            raise MachineError(f"{node.name} comes after {', '.join(node.after)}: a service has no place in such an order")


def _refuse_twins(planned: Iterable[PlannedNode]) -> None:
    """Two services that are one by their key would wait for each other's lock for ever."""
    seen: dict[str, str] = {}
    for node in planned:
        if node.is_service and seen.setdefault(node.key, node.name) != node.name:
            raise MachineError(
                f"{seen[node.key]} and {node.name} are the same service", hint="give one a setting that tells it from the other"
            )


def _order(nodes: Mapping[str, Node]) -> list[str]:
    """A topological order that keeps to the order of the stages where it can."""
    needs = {node.name: [*node.inputs.values(), *node.services.values(), *node.after] for node in nodes.values()}
    for name, wanted in needs.items():
        for other in wanted:
            if other not in needs:
                verb = "come after" if other in nodes[name].after else "read"
                raise MachineError(f"the stage {nodes[name].stage} makes {name} {verb} {other!r}, which does not exist")
    rank = {name: position for position, name in enumerate(nodes)}
    sorter = TopologicalSorter(needs)
    try:
        sorter.prepare()
    except CycleError as error:
        raise MachineError(f"the nodes need each other in a circle: {' -> '.join(error.args[1])}") from None
    order: list[str] = []
    ready: list[tuple[int, str]] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heapq.heappush(ready, (rank[name], name))
        order.append(heapq.heappop(ready)[1])
        sorter.done(order[-1])
    return order


def _plan_node(node: Node, stage: Stage, planned: Mapping[str, PlannedNode], facts: Facts) -> PlannedNode:
    payload: dict[str, Any] = {
        "stage": stage.name,
        "version": stage.version,
        "config": identity(node.config),
        "inputs": {slot: planned[source].key for slot, source in node.inputs.items()},
        "services": {slot: planned[source].key for slot, source in node.services.items()},
    }
    if node.resources.measures_speed:
        machines = node.resources.machines
        payload["device"] = facts.device if machines == 1 else f"{machines} x {facts.device}"
        if facts.cpus and (node.services or not node.resources.cpus):  # else it takes as many cores whatever the spec allows
            payload["cpus"] = facts.cpus
    try:
        payload = dict(stable(payload))  # type: ignore[arg-type]
    except TypeError as error:
        raise MachineError(f"the stage {stage.name}: {error}", hint="a Config holds plain JSON data") from None
    if stage.redraws and type(getattr(node.config, stage.redraws, None)) is not int:
        raise MachineError(f"the stage {stage.name} redraws by {stage.redraws!r}, which is no whole number of its Config")
    return PlannedNode(
        name=node.name,
        stage=node.stage,
        key=fingerprint(payload),
        payload=payload,
        config=node.config.model_dump(mode="json"),
        inputs=dict(node.inputs),
        services=dict(node.services),
        measures=node.measures,
        cpus=node.resources.cpus,
        measures_speed=node.resources.measures_speed,
        is_service=isinstance(stage, Service),
        samples=dict(node.samples),
        after=node.after,
        redraws=stage.redraws,
        machines=node.resources.machines,
    )


def _target_error(plan: Plan, index: int, where: Where) -> SpecError | None:
    target, at = plan.targets[index], where("targets", index)
    if target.node not in plan.names:
        return SpecError(f"there is no node {target.node!r}", at=at, hint=_near(target.node, plan.names))
    declared: dict[str, Measure] = {measure.name: measure for measure in plan.node(target.node).measures}
    if target.name not in declared:
        return SpecError(f"{target.node} declares no measure {target.name!r}", at=at, hint=_near(target.name, declared))
    unit = declared[target.name].unit
    if not fits(target.unit, unit):
        return SpecError(
            f"{target.measure} is measured in {unit or 'a bare number'}, and `{target.written}` compares it with another unit",
            at=at,
            hint=f"write the bound in {unit or 'no unit'}",
        )
    return None


def _near(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean {close[0]}?" if close else f"there are: {', '.join(known) or 'none'}"
