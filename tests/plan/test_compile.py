"""Compiling specs/tiny.yaml: what a change of the spec reruns, what is inserted where, and which targets are refused."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from ryot.engine.survey import survey
from ryot.errors import MachineError, SpecError, SpecErrors
from ryot.plan.compile import compile_plan
from ryot.plan.plan import Plan
from ryot.plugins.discover import stages_for
from ryot.plugins.stage import Facts
from ryot.spec.load import load_text
from ryot.store.store import Store

ROOT = Path(__file__).parent.parent.parent
TINY = (ROOT / "specs" / "tiny.yaml").read_text()
TOYS = ROOT / "tests" / "plugins" / "toy"
DEVICE = "cpu:test x2"


def compiled(*sets: str, insert: str = "", device: str = DEVICE) -> Plan:
    loaded = load_text(TINY + insert, "tiny.yaml", sets=sets)
    used = {item.use: loaded.place("stages", index, "use") for index, item in enumerate(loaded.spec.stages)}
    stages, _ = stages_for(used, [TOYS])
    return compile_plan(loaded.spec, stages, Facts(device), loaded.place)


def changed(*sets: str, device: str = DEVICE) -> set[str]:
    before = {node.name: node.key for node in compiled().nodes}
    return {node.name for node in compiled(*sets, device=device).nodes if before.get(node.name) != node.key}


def below(plan: Plan, *names: str) -> set[str]:
    """The named nodes and all that need them, however far."""
    found = set(names)
    for node in plan.nodes:
        if found & set(node.needs):
            found.add(node.name)
    return found


def test_a_thousand_inserted_stages_are_planned_in_their_order() -> None:
    names = ["data", *(f"count-{number}" for number in range(1000))]
    inserts = "".join(f"  - {{use: count, name: {name}, after: {before}}}\n" for before, name in pairwise(names))
    plan = compiled(insert=f"stages:\n{inserts}")
    assert [name for name in plan.names if name in names] == names
    assert [plan.node(name).inputs for name in names[1:]] == [{"documents": before} for before in names[:-1]]
    assert plan.node("tokenizer").inputs == {"documents": names[-1]}
    states = survey(plan, Store(Path("nowhere")))
    assert [states[name].state for name in ("data", names[1], names[-1])] == ["runs", "waits", "waits"]


def test_nodes_of_the_whole_loop() -> None:
    assert set(compiled().names) == {
        "data", "tokenizer", "train.baseline", "train.optimized", "compare", "export", "serve", "evaluate", "bench.single", "bench.batch8",
    }  # fmt: skip


def test_only_sections_that_are_there_have_nodes() -> None:
    plan = compiled("bench=", "evaluate=", "serve=", "export=", "optimize=", "targets=[]")
    assert plan.names == ("data", "tokenizer", "train")


@pytest.mark.parametrize("override", [
    "targets=[]", "targets.0=data/wrong_answers <= 5", "claims.params=2M", "name=other",
    "hardware.python={serve: /usr/bin/python3}",
    "train.checkpoint_every=7", "train.keep_checkpoints=5", "serve.start_timeout=5min", "profiles={}",
])  # fmt: skip
def test_what_changes_no_result_reruns_nothing(override: str) -> None:
    assert changed(override) == set()


def test_speed_with_fewer_cores_is_another_measurement() -> None:
    assert changed("hardware.cpus=1") == set(compiled().names) - {"data", "tokenizer"}


@pytest.mark.parametrize("override", ["serve.max_concurrency=4", "serve.kv_cache=128MiB", "serve.eager=false", "serve.dtype=bf16"])
def test_serving_flag_retrains_nothing(override: str) -> None:
    assert changed(override) == {"serve", "evaluate", "bench.single", "bench.batch8"}


@pytest.mark.parametrize(
    "override", ["train.lr=1e-3", "train.ranks=2", "train.seed=1", "train.epochs=2", "train.batch_size=8", "train.zero_stage=1"]
)
def test_training_flag_retrains_both_sides_and_keeps_the_data(override: str) -> None:
    assert changed(override) == set(compiled().names) - {"data", "tokenizer"}


@pytest.mark.parametrize("override", ["train.lr=2e-3", "train.seed=7", "export={dtype: bf16}", "serve.dtype=bf16"])
def test_answers_of_one_model_are_not_found_by_another(override: str) -> None:
    """lm-eval#4063: its cache was keyed by the request alone, and a second model got the first one's scores. Answers lie in the node's own
    folder, whose name is the key."""
    assert "evaluate" in changed(override)


def test_changed_stack_leaves_the_baseline_alone() -> None:
    found = changed("optimize.stack.0.kernel.level=2")
    assert found == below(compiled(), "train.optimized")
    assert "train.baseline" not in found


@pytest.mark.parametrize(("override", "first"),
[
    ("data.seed=7", "data"), ("data.held_out=20%", "data"), ("data.tokenizer.min_frequency=3", "tokenizer"), ("evaluate.limit=10",
    "evaluate"),
    ("export.dtype=bf16", "export"), ("bench.scenarios.single.requests=61", "bench.single"), ("optimize.blocks=8", "compare"),
])  # fmt: skip
def test_change_reruns_its_node_and_what_needs_it(override: str, first: str) -> None:
    assert changed(override) == below(compiled(), first)


def test_another_device_reruns_what_measures_speed() -> None:
    speed = [node.name for node in compiled().nodes if node.measures_speed]
    assert {"compare", "bench.single", "bench.batch8"} <= set(speed)
    assert changed(device="cuda:test x1") == below(compiled(), *speed)


def test_inserted_stage_reads_the_node_and_stands_in_for_it() -> None:
    before, plan = compiled(), compiled(insert="stages: [{use: count, after: data, name: counted, with: {steps: 5}}]\n")
    assert plan.node("counted").inputs == {"documents": "data"}
    assert plan.node("counted").config["steps"] == 5
    assert [node.name for node in plan.users("data")] == ["counted"]
    assert {node.name for node in plan.users("counted")} == {node.name for node in before.users("data")}
    assert plan.node("data").key == before.node("data").key
    assert plan.node("tokenizer").key != before.node("tokenizer").key


def test_stages_are_inserted_one_behind_the_other() -> None:
    plan = compiled(insert="stages: [{use: count, after: data}, {use: count, after: count, name: again}]\n")
    assert plan.node("again").inputs == {"documents": "count"}
    assert "again" in plan.node("tokenizer").needs


def test_target_on_an_inserted_node_is_known() -> None:
    plan = compiled("targets.0=count/steps == 3", insert="stages: [{use: count, after: data}]\n")
    assert plan.targets[0].node == "count"


@pytest.mark.parametrize(("target", "message", "hint"), [
    ("dat/wrong_answers == 0", "there is no node 'dat'", "did you mean data?"),
    ("data/wrong_answer == 0", "data declares no measure 'wrong_answer'", "did you mean wrong_answers?"),
    ("serve/anything == 0", "serve declares no measure 'anything'", "there are: none"),
    ("bench.single/latency_p95 < 50", "bench.single/latency_p95 is measured in s", None),
    ("bench.single/latency_p95 < 5MB", "bench.single/latency_p95 is measured in s", None),
    ("data/wrong_answers < 1s", "data/wrong_answers is measured in a bare number", None),
])  # fmt: skip
def test_target_on_what_nobody_measures_is_refused(target: str, message: str, hint: str | None) -> None:
    with pytest.raises(SpecErrors) as caught:
        compiled(f"targets.0={target}")
    (error,) = caught.value.errors
    assert error.message.startswith(message)
    assert hint is None or error.hint == hint
    assert error.at is not None
    assert error.at.file == "--set"


def test_all_wrong_targets_are_told_at_once() -> None:
    with pytest.raises(SpecErrors) as caught:
        compiled("targets=[a/b == 0, data/c == 0, bench.single/latency_p95 < 1]")
    assert len(caught.value.errors) == 3


def test_stage_that_nobody_offers_is_the_specs_fault() -> None:
    with pytest.raises(SpecErrors) as caught:
        compiled(insert="stages:\n  - {use: no-such, after: data}\n  - {use: nor-this, after: data}\n")
    assert [str(error.at) for error in caught.value.errors] == [f"tiny.yaml:{TINY.count(chr(10)) + line}:6" for line in (2, 3)]
    assert caught.value.exit_code == 2


def test_error_of_a_stage_gets_the_place_of_its_section(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load_text(TINY, "tiny.yaml")
    stages, _ = stages_for({})

    def refuse(spec: object, facts: object) -> list[object]:
        raise SpecError("not so")

    monkeypatch.setattr(stages["serve"], "expand", refuse)
    with pytest.raises(SpecError) as caught:
        compile_plan(loaded.spec, stages, Facts(DEVICE), loaded.place)
    assert str(caught.value.at) == f"tiny.yaml:{TINY[: TINY.index('serve:')].count(chr(10)) + 1}:1"


def test_two_stages_that_make_one_node_are_told() -> None:
    loaded = load_text(TINY, "tiny.yaml")
    stages, _ = stages_for({})
    twin = type("Twin", (type(stages["data"]),), {"name": "twin"})()
    with pytest.raises(MachineError, match="the stages data and twin both make a node data"):
        compile_plan(loaded.spec, {**stages, "twin": twin}, Facts(DEVICE), loaded.place)


def test_plan_survives_its_own_json() -> None:
    plan = compiled()
    assert Plan.model_validate_json(plan.model_dump_json(indent=1)) == plan
