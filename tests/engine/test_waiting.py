"""The queue of an apply: what is ready, in the plan's order, and what a finished node lets begin."""

from __future__ import annotations

import pytest

from ryot.engine.waiting import Waiting
from ryot.plan.plan import Plan
from tests.conftest import Bench


@pytest.fixture
def plan(bench: Bench) -> Plan:
    """a, then b and c of it, then d of both; e only comes after c."""
    nodes = [bench.node("a"), bench.node("b", inputs=["a"]), bench.node("c", inputs=["a"], words="c"), bench.node("d", inputs=["b", "c"])]
    return bench.plan(*nodes, bench.node("e", words="e", after=["c"]))


def queue(plan: Plan, *names: str) -> Waiting:
    return Waiting(plan, {node.name: node.needs for node in plan.nodes}, names)


def ready(waiting: Waiting) -> list[str]:
    return [node.name for node in waiting.ready()]


def test_nodes_become_ready_in_the_plans_order(plan: Plan) -> None:
    waiting = queue(plan, "a", "b", "c", "d", "e")
    told = []
    while waiting:
        name = ready(waiting)[0]
        waiting.take(name)
        waiting.finished(name)
        told.append(name)
    assert told == [node.name for node in plan.nodes]


def test_node_that_began_holds_back_until_it_is_finished(plan: Plan) -> None:
    waiting = queue(plan, "a", "b", "c", "d", "e")
    waiting.take("a")
    assert ready(waiting) == []
    waiting.finished("a")
    assert ready(waiting) == ["b", "c"]
    waiting.take("c")
    waiting.finished("c")
    assert ready(waiting) == ["b", "e"]


def test_what_was_finished_before_holds_nothing_back(plan: Plan) -> None:
    assert ready(queue(plan, "d", "e")) == ["d", "e"]


def test_node_that_is_given_up_lets_nothing_begin(plan: Plan) -> None:
    waiting = queue(plan, "a", "b", "c", "d", "e")
    for name in ("a", "b"):
        waiting.take(name)
    waiting.finished("a")
    waiting.take("d")
    waiting.take("c")
    waiting.finished("c")
    assert ready(waiting) == ["e"]
    assert [node.name for node in waiting] == ["e"]
