"""What stages say of their samples beforehand is what they take."""

from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import Facts, Node, Spec
from ryot.plugins.discover import stages_for
from ryot.spec.load import load
from ryot.stages.bench.samples import Sample, halves, rates
from ryot.stages.data.stage import heldout_of

SPECS = sorted((Path(__file__).parent.parent.parent / "specs").glob("*.yaml"))
FACTS = Facts(device="cpu:test x2")
GENERATED = {"sources": [{"generate": {"examples": 1000}}], "held_out": "10%"}


def nodes(**sections: object) -> dict[str, Node]:
    base: dict[str, Any] = {"version": 1, "name": "small", "model": {"preset": "ryot-tiny"}, "data": GENERATED}
    base |= {"train": {"epochs": 2, "samples": 160}, "export": {}, "serve": {}, **sections}
    return expanded(Spec.model_validate(base), FACTS)


def expanded(spec: Spec, facts: Facts) -> dict[str, Node]:
    stages, _ = stages_for({}, [])
    return {node.name: node for stage in stages.values() for node in stage.expand(spec, facts)}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_samples_are_of_declared_measures_and_at_least_one(path: Path) -> None:
    spec = load(path, profile="none").spec
    local = {written: "digest" for source in spec.data.sources if (written := source.path)}
    for node in expanded(spec, Facts("cpu:test x2", digests=local)).values():
        assert set(node.samples) <= {measure.name for measure in node.measures}, node.name
        assert all(count >= 1 for count in node.samples.values()), node.name
        assert not any(measure.name in node.samples for measure in node.measures if measure.kind == "exact")


def test_bench_takes_a_sample_a_request_and_one_a_window() -> None:
    taken = nodes(bench={"scenarios": {"one": {"requests": 70}}})["bench.one"].samples
    assert {taken[name] for name in ("latency_p50", "latency_p95", "latency_p99", "errors", "success_rate")} == {70}
    made = rates([Sample(number, number, number + 1.0, 1) for number in range(70)], [1.0] * 70)
    assert taken["tokens_per_s"] == taken["requests_per_s"] == len(made)
    assert taken["degradation"] == len(halves(made))


def test_queue_is_looked_at_nobody_knows_how_often() -> None:
    assert "queue_depth_p95" not in nodes(bench={"scenarios": {"one": {}}})["bench.one"].samples


def test_training_takes_a_sample_an_update() -> None:
    taken = nodes()["train"].samples
    assert (taken["bad_updates"], taken["tokens_per_s"], taken["final_loss"]) == (20, 9, 100)
    assert nodes(train={"steps": 1})["train"].samples["tokens_per_s"] == 1
    assert "bad_updates" not in nodes(train={"epochs": 2})["train"].samples


@pytest.mark.parametrize(("stack", "kernel"), [([{"kernel": {"level": 2}}], 12), ([{"compressor": {"ratio": "30%"}}], 4)])
def test_comparison_takes_a_pair_a_block(stack: list[object], kernel: int) -> None:
    taken = nodes(optimize={"stack": stack, "blocks": 12})["compare"].samples
    assert (taken["stack_time_reduction"], taken["speed_ratio"], taken["system_time_reduction"]) == (12, 12, kernel)
    assert taken["loss_gap"] == 100


@pytest.mark.parametrize(("limit", "count"), [(50, 50), (None, 100), (200, 100)])
def test_evaluation_takes_the_limit_or_what_is_held_out(limit: int | None, count: int) -> None:
    taken = nodes(evaluate={"limit": limit})["evaluate"].samples
    reasoning = dict.fromkeys(("reasoning_accuracy", "reasoning_ece", "reasoning_auroc"), count)
    assert taken == reasoning | {"nats_per_token": count, "bits_per_byte": count}


def test_benchmark_of_the_hub_takes_its_items() -> None:
    taken = nodes(evaluate={"tasks": ["boolq", "mmlu", "hellaswag"], "limit": None})["evaluate"].samples
    assert taken == {"boolq.acc": 3270, "hellaswag.acc": 10042, "mmlu.acc": 14042}
    limited = nodes(evaluate={"tasks": ["mmlu", "hellaswag"], "limit": 100})["evaluate"].samples
    assert limited == {"hellaswag.acc": 100}  # of mmlu a limit holds for each of 57 subjects


def test_other_sources_make_the_number_of_documents_unknown() -> None:
    sources = [{"generate": {"examples": 1000}}, {"hub": "an/other"}]
    found = nodes(data={"sources": sources, "held_out": "10%"}, evaluate={})
    assert found["evaluate"].samples == {"reasoning_accuracy": 100, "reasoning_ece": 100, "reasoning_auroc": 100}
    assert "final_loss" not in found["train"].samples
    assert found["data"].samples == {"wrong_answers": 1000}


def test_max_documents_bounds_what_is_generated() -> None:
    sources = [{"generate": {"examples": 1000}, "max_documents": 400}]
    spec = nodes(data={"sources": sources, "held_out": "10%"})
    assert spec["data"].samples == {"wrong_answers": 400}


def test_held_out_is_about_what_was_held_out() -> None:
    spec = Spec.model_validate({"version": 1, "name": "s", "model": {"preset": "ryot-tiny"}, "train": {"epochs": 1}, "data": GENERATED})
    assert heldout_of(spec) == 100
