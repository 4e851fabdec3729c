"""A further round is the same work with other samples: a node of its own, and nothing of the first changes for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ryot.cli.request import resolve
from ryot.errors import MachineError
from ryot.plan.plan import Plan, differences
from ryot.plan.rounds import further_round, with_rounds
from ryot.stages.bench.orders import Orders, body
from tests.conftest import Bench

PHASE3 = Path(__file__).parent.parent.parent / "specs" / "phase3.yaml"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return resolve(PHASE3, "none", (), (), tmp_path_factory.mktemp("store")).plan


def test_round_of_a_load_asks_other_prompts_under_a_key_of_its_own(plan: Plan) -> None:
    node = plan.node("bench.single")
    second, third = further_round(node, 2), further_round(node, 3)
    assert (second.name, second.round_of, second.stage) == ("bench.single#2", "bench.single", "bench")
    assert len({node.key, second.key, third.key}) == 3
    assert [str(each) for each in differences(node.payload, second.payload)] == ["seed 0 -> 1", "round none -> 2"]
    assert (second.services, second.measures, second.samples) == (node.services, node.measures, node.samples)
    assert _asked(node.config) != _asked(second.config) != _asked(third.config)


def _asked(config: dict[str, object]) -> bytes:
    given = {name: config[name] for name in ("scenario", "batch", "prompt_tokens", "output_tokens", "vocab_size", "seed")}
    return body(Orders("", "m", users=1, requests=1, warmup=0, timeout=1.0, samples="", summary="", **given), 0)  # type: ignore[arg-type]


def test_round_of_a_comparison_times_the_blocks_that_follow(plan: Plan) -> None:
    node = plan.node("compare")
    second = further_round(node, 2)
    assert [str(each) for each in differences(node.payload, second.payload)] == ["round none -> 2"]
    assert (node.config["draw"], second.config["draw"]) == (0, 1)
    assert {measure.name for measure in node.measures if not measure.fixed} == {
        "stack_time_reduction", "speed_ratio", "system_time_reduction", "throughput_improvement", "compile_time",
    }  # fmt: skip


def test_rounds_stand_behind_their_node_and_are_added_once(plan: Plan) -> None:
    whole = with_rounds(plan, {"bench.single": (4, 3)})
    at = plan.names.index("bench.single")
    assert whole.names[at : at + 3] == ("bench.single", "bench.single#2", "bench.single#3")
    assert (whole.node("bench.single").looks, whole.node("bench.single").key) == (4, plan.node("bench.single").key)
    assert with_rounds(whole, {"bench.single": (4, 3)}) == with_rounds(whole, {"bench.single": (4, 1)}) == with_rounds(whole, {}) == whole
    assert with_rounds(plan, {}) == plan
    assert whole.until("bench.single").names == plan.until("bench.single").names


def test_stage_that_does_not_say_how_it_draws_has_no_further_round(bench: Bench) -> None:
    with pytest.raises(MachineError, match="does not say how they are drawn"):
        further_round(bench.plan(bench.node("a")).node("a"), 2)


def test_stage_redraws_by_a_whole_number(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(bench.stages["count"]), "redraws", "words")
    with pytest.raises(MachineError, match="redraws by 'words', which is no whole number"):
        bench.plan(bench.node("a"))
