"""Further rounds of a node: the same work with other samples, each a node of its own, with a key of its own. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ryot.errors import MachineError
from ryot.fingerprint import fingerprint
from ryot.plan.plan import Plan, PlannedNode

Promised = tuple[int, int]
"""How many looks were promised at most, and how many rounds were begun."""


def further_round(node: PlannedNode, number: int) -> PlannedNode:
    """Round `number` (2, 3, ...) of a node: `bench.single#2`. Its key tells the round, and the field that draws other samples."""
    if not node.redraws:
        raise MachineError(f"{node.name} has further rounds, and its stage {node.stage} does not say how they are drawn")
    field, identity = node.redraws, node.payload["config"]
    drawn = {field: node.config[field] + number - 1}
    # A circumstance is in the config and not in the identity; the number of the round is what tells the key then.
    payload = {**node.payload, "config": {**identity, **drawn} if field in identity else identity, "round": number}
    changed = {"payload": payload, "key": fingerprint(payload), "config": {**node.config, **drawn}, "looks": 1}
    return node.model_copy(update={"name": f"{node.name}#{number}", "round_of": node.name, **changed})


def with_rounds(plan: Plan, promised: Mapping[str, Promised]) -> Plan:
    """The plan with the looks that were promised and the rounds that were begun, by the node's name. What it knows already stays."""
    nodes = tuple(each for node in plan.nodes if not node.round_of for each in _whole(plan, node, *promised.get(node.name, (1, 1))))
    return plan.model_copy(update={"nodes": nodes})


def _whole(plan: Plan, node: PlannedNode, looks: int, begun: int) -> Iterator[PlannedNode]:
    """A node with all its rounds."""
    known = plan.rounds(node.name)
    yield node.model_copy(update={"looks": max(looks, node.looks)})
    yield from known
    yield from (further_round(node, number) for number in range(len(known) + 2, begun + 1))
