"""A plan up to a node: what it needs, the targets on that, and nothing else."""

import pytest

from ryot.errors import SpecError
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


def test_services_are_needed_too(bench: Bench) -> None:
    plan = bench.plan(bench.node("s", "chat"), bench.node("q", "ask", service="s"), bench.node("a"))
    assert plan.until("q").names == ("s", "q")


def test_unknown_node_is_answered_with_the_nearest(bench: Bench) -> None:
    with pytest.raises(SpecError) as caught:
        bench.plan(bench.node("tokenizer")).until("tokeniser")
    assert caught.value.hint == "did you mean tokenizer?"
