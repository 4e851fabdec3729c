"""Identity: what changes a node's key, what never does, and how a difference is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import pytest

from ryot.errors import MachineError
from ryot.fingerprint import fingerprint
from ryot.plan.compile import plan_nodes
from ryot.plan.plan import Plan, PlannedNode, differences
from ryot.plugins.stage import Addition, Facts, Node, Stage, StageConfig, identity
from tests.conftest import Bench


def family(bench: Bench, **config: object) -> Plan:
    """a -> b, a service, and c which reads b and talks to it."""
    first, second = bench.node("a", **config), bench.node("b", inputs=["a"])
    return bench.plan(first, second, bench.node("s", "chat"), bench.node("c", "ask", inputs=["b"], service="s"))


def keys(plan: Plan) -> dict[str, str]:
    return {node.name: node.key for node in plan.nodes}


def changed(before: Plan, after: Plan) -> set[str]:
    return {name for name, key in keys(after).items() if keys(before).get(name) != key}


def test_key_is_the_digest_of_the_payload_that_is_kept(bench: Bench) -> None:
    assert all(node.key == fingerprint(node.payload) for node in family(bench).nodes)


def test_key_ignores_circumstances(bench: Bench) -> None:
    assert changed(family(bench), family(bench, gate="/tmp/somewhere", fail_while="/x")) == set()
    assert "gate" not in family(bench).node("a").payload["config"]
    assert family(bench, gate="/pipe").node("a").config["gate"] == "/pipe"


def test_changed_config_changes_the_node_and_all_that_reads_it(bench: Bench) -> None:
    assert changed(family(bench), family(bench, steps=4)) == {"a", "b", "c"}


def test_default_that_is_written_out_changes_nothing(bench: Bench) -> None:
    assert changed(family(bench), family(bench, steps=3, words="x")) == set()


def test_name_of_a_node_is_not_in_its_key(bench: Bench) -> None:
    plan = bench.plan(bench.node("one"), bench.node("other"))
    assert plan.node("one").key == plan.node("other").key


def test_changed_service_changes_who_talks_to_it(bench: Bench) -> None:
    before = bench.plan(bench.node("s", "chat"), bench.node("q", "ask", service="s"), bench.node("a"))
    after = bench.plan(bench.node("s", "chat", broken=True), bench.node("q", "ask", service="s"), bench.node("a"))
    assert changed(before, after) == {"s", "q"}


def test_version_of_the_stage_is_in_the_key(bench: Bench) -> None:
    before = family(bench)
    kind = type(bench.stages["count"])
    bench.stages["count"] = type("Later", (kind,), {"version": 2})()
    assert changed(before, family(bench)) == {"a", "b", "c"}


def test_device_is_in_the_key_of_what_measures_speed_only(bench: Bench) -> None:
    def on(device: str) -> Plan:
        fast = bench.node("fast", inputs=["a"], measures_speed=True)
        return bench.plan(
            bench.node("a"), fast, bench.node("b", inputs=["a"], words="b"), bench.node("after", inputs=["fast"]), device=device
        )

    assert changed(on("cpu:one x2"), on("cuda:two x1")) == {"fast", "after"}
    assert on("cpu:one x2").node("fast").payload["device"] == "cpu:one x2"
    assert "device" not in on("cpu:one x2").node("a").payload


def test_slot_of_an_input_is_in_the_key(bench: Bench) -> None:
    node = bench.node("b", inputs=["a"])
    other = replace(node, inputs={"documents": "a"})
    assert bench.plan(bench.node("a"), node).node("b").key != bench.plan(bench.node("a"), other).node("b").key


def test_nodes_stand_in_an_order_in_which_they_can_run(bench: Bench) -> None:
    nodes = [
        bench.node("d", inputs=["c", "b"]),
        bench.node("c", inputs=["a"]),
        bench.node("b", inputs=["a"]),
        bench.node("a"),
        bench.node("z"),
    ]
    assert bench.plan(*nodes).names == ("a", "c", "b", "d", "z")


def test_circle_and_missing_input_are_told(bench: Bench) -> None:
    with pytest.raises(MachineError, match=r"need each other in a circle: .*a.*b"):
        bench.plan(bench.node("a", inputs=["b"]), bench.node("b", inputs=["a"]))
    with pytest.raises(MachineError, match="the stage count makes a read 'none', which does not exist"):
        bench.plan(bench.node("a", inputs=["none"]))


def test_config_without_a_stable_form_is_told() -> None:
    class Odd(Stage):
        name = "odd"
        Config = type("OddConfig", (StageConfig,), {"__annotations__": {"value": float}})

    with pytest.raises(MachineError, match=r"the stage odd: value\.config\.value is nan"):
        plan_nodes({"odd": Node("odd", "odd", Odd.Config(value=float("nan")))}, {"odd": Odd()}, Facts("cpu:test x1"))


def difference(bench: Bench, name: str, change: Callable[[], Plan]) -> list[str]:
    before: PlannedNode = family(bench).node(name)
    return [str(item) for item in differences(before.payload, change().node(name).payload)]


def test_difference_is_told_field_by_field(bench: Bench) -> None:
    assert difference(bench, "a", lambda: family(bench, steps=4, words="y")) == ["steps 3 -> 4", "words x -> y"]
    assert difference(bench, "a", lambda: family(bench)) == []


def test_difference_names_the_slot_of_an_input_and_shortens_keys(bench: Bench) -> None:
    (line,) = difference(bench, "b", lambda: family(bench, steps=4))
    before, after = family(bench).node("a").key, family(bench, steps=4).node("a").key
    assert line == f"inputs.a {before[:12]}... -> {after[:12]}..."


def test_difference_of_fields_that_came_or_went() -> None:
    found = differences(
        {"config": {"old": 1, "same": 0, "deep": {"x": [1]}}}, {"config": {"new": None, "more": 2, "same": 0, "deep": {"x": [2]}}}
    )
    assert [str(item) for item in found] == ["deep.x [1] -> [2]", "more none -> 2", "old 1 -> none"]


def test_key_ignores_what_a_node_comes_after(bench: Bench) -> None:
    plain = bench.plan(bench.node("dear"), bench.node("check", words="c"))
    ordered = bench.plan(bench.node("dear", after=["check"]), bench.node("check", words="c"))
    assert changed(plain, ordered) == set()
    assert ordered.node("dear").after == ("check",)
    assert ordered.node("dear").needs == ()


def test_circle_through_the_order_alone_is_told(bench: Bench) -> None:
    with pytest.raises(MachineError, match="in a circle"):
        bench.plan(bench.node("a", after=["b"]), bench.node("b", inputs=["a"]))


def test_order_after_what_is_not_there_is_told(bench: Bench) -> None:
    with pytest.raises(MachineError, match="makes a come after 'b', which does not exist"):
        bench.plan(bench.node("a", after=["b"]))


def test_service_has_no_place_in_an_order(bench: Bench) -> None:
    with pytest.raises(MachineError, match="a comes after s: a service has no place"):
        bench.plan(bench.node("a", after=["s"]), bench.node("s", "chat"))


def test_a_difference_is_written_as_a_spec_writes_it() -> None:
    rules = [f"rule_{number}" for number in range(9)]
    (found,) = differences({"config": {"settings": {"without": []}}}, {"config": {"settings": {"without": rules}}})
    assert str(found) == "without [] -> [rule_0, rule_1, rule_2, ... 6 more]"
    (found,) = differences({"config": {"taken": None, "fast": True}}, {"config": {"taken": None, "fast": False}})
    assert str(found) == "fast true -> false"


def test_a_field_that_came_later_changes_no_key_until_it_is_used() -> None:
    class Grown(StageConfig):
        size: int
        pause: Annotated[float, Addition] = 0.0

    assert identity(Grown(size=3)) == identity(Grown(size=3, pause=0.0)) == {"size": 3}
    assert identity(Grown(size=3, pause=0.5)) == {"size": 3, "pause": 0.5}
