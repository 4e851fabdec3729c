"""A server and loads of a verb's own, planned beside those of an apply: nothing of them is cached, and none is taken for the apply's."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from ryot.fingerprint import fingerprint
from ryot.plan.plan import Plan, PlannedNode

SERVER = "serve"
OWN = "own"
"""What of a node's identity only tells it from others."""


def server(plan: Plan, **settings: Any) -> PlannedNode:
    """The plan's server under a key that no other has, with other `settings`."""
    return _own(plan.node(SERVER), settings)


def load(node: PlannedNode, at: PlannedNode, **settings: Any) -> PlannedNode:
    """A node that talks to the server, under a key that no other has, on the server `at`."""
    return _own(node.model_copy(update={"payload": {**node.payload, "services": {SERVER: at.key}}}), settings)


def beside(plan: Plan, at: PlannedNode, nodes: Sequence[PlannedNode]) -> Plan:
    """The plan of nodes that talk to the server `at`: these, it, what it reads, and the targets on them."""
    names = {node.name for node in nodes}
    read = [node for node in plan.nodes if node.name in at.inputs.values()]
    targets = tuple(target for target in plan.targets if target.node in names)
    return plan.model_copy(update={"nodes": (*read, at, *nodes), "targets": targets})


def _own(node: PlannedNode, settings: dict[str, Any]) -> PlannedNode:
    payload = {**node.payload, OWN: uuid.uuid4().hex}
    return node.model_copy(update={"key": fingerprint(payload), "payload": payload, "config": {**node.config, **settings}})
