"""The rounds that the store knows of a plan's nodes. Whoever judges a plan, or runs it, asks for them first."""

from __future__ import annotations

from ryot.plan.plan import Plan
from ryot.plan.rounds import with_rounds
from ryot.store.looks import promise_of
from ryot.store.store import Store


def known(plan: Plan, store: Store) -> Plan:
    """The plan with every look that was promised of its nodes and every round that was begun, by whichever run. Raises NodeError where a
    promise cannot be read."""
    nodes = [node for node in plan.nodes if not node.is_service and not node.round_of]
    found = {node.name: made for node in nodes if (made := promise_of(store, node.stage, node.key))}
    return with_rounds(plan, {name: (made.looks, made.rounds) for name, made in found.items()}) if found else plan
