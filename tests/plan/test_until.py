"""A plan up to a node: what it needs, the targets on that, and nothing else."""

import pytest

from ryot.errors import SpecError
from ryot.plan.plan import Plan
from tests.conftest import Bench


def test_only_what_a_node_needs_is_left(bench: Bench) -> None:
    nodes = [
        bench.node("a"),
        bench.node("b", inputs=["a"], words="b"),
        bench.node("other", words="o"),
        bench.node("c", inputs=["b"], words="c"),
    ]
    plan = bench.plan(*nodes, targets=["b/words == 1", "c/words == 1"])
    until = plan.until("b")
    assert until.names == ("a", "b")
    assert [target.written for target in until.targets] == ["b/words == 1"]
    assert [node.key for node in until.nodes] == [plan.node(name).key for name in ("a", "b")]


def test_plan_with_other_nodes_knows_them_and_not_those_it_was_made_from(bench: Bench) -> None:
    plan = bench.plan(bench.node("a"), bench.node("b", inputs=["a"], words="b"))
    assert [user.name for user in plan.users("a")] == ["b"]
    less = plan.model_copy(update={"nodes": plan.nodes[:1]})
    assert (less.names, list(less.users("a"))) == (("a",), [])
    with pytest.raises(KeyError):
        less.node("b")
    assert less == Plan.model_validate_json(less.model_dump_json())


def test_services_are_needed_too(bench: Bench) -> None:
    plan = bench.plan(bench.node("s", "chat"), bench.node("q", "ask", service="s"), bench.node("a"))
    assert plan.until("q").names == ("s", "q")


def test_unknown_node_is_answered_with_the_nearest(bench: Bench) -> None:
    with pytest.raises(SpecError) as caught:
        bench.plan(bench.node("tokenizer")).until("tokeniser")
    assert caught.value.hint == "did you mean tokenizer?"
