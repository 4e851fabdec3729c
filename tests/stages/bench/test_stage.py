"""What the plan sees of `bench`."""

import pytest

from ryot.plugins import Facts, Spec, SpecError
from ryot.stages.bench.stage import BenchStage

SEEN = {"server_cpu", "server_memory", "gpu_utilisation", "gpu_memory"}
FACTS = Facts(device="cpu:test x2")


def spec(**scenarios):
    fields = {"version": 1, "name": "small", "model": {"preset": "ryot-tiny"}, "train": {"epochs": 1}, "export": {}, "serve": {}}
    data = {"sources": [{"generate": {"examples": 100}}]}
    return Spec.model_validate(fields | {"data": data, "bench": {"scenarios": scenarios}})


def test_each_scenario_is_a_node_that_has_the_machine_to_itself():
    nodes = list(BenchStage().expand(spec(single={}, many={"users": 10, "batch": 4}), FACTS))
    assert [node.name for node in nodes] == ["bench.single", "bench.many"]
    assert all(node.resources.measures_speed and node.services == {"serve": "serve"} for node in nodes)
    assert (nodes[1].config.users, nodes[1].config.batch) == (10, 4)


def test_prompt_and_answer_have_to_fit_the_context():
    with pytest.raises(SpecError, match="do not fit"):
        list(BenchStage().expand(spec(long={"prompt_tokens": 200, "output_tokens": 57}), FACTS))


def node(**scenario):
    (found,) = BenchStage().expand(spec(one=scenario), FACTS)
    return found


def test_an_open_loop_takes_a_sample_a_request_too():
    found = node(arrivals={"rate": 200}, requests=6000)
    assert (found.config.arrivals.rate, found.config.arrivals.distribution, found.samples["latency_p99"]) == (200, "poisson", 6000)
    assert {measure.name for measure in found.measures} == {measure.name for measure in BenchStage.measures}


def test_times_of_tokens_are_measured_where_there_are_any():
    names = {measure.name for measure in node(stream=True).measures} - {measure.name for measure in BenchStage.measures}
    assert names == {"ttft_p50", "ttft_p95", "ttft_p99"}
    found = node(stream=True, output_tokens=8, requests=70, slo={"ttft": "50ms"})
    more = {measure.name for measure in found.measures} - {measure.name for measure in BenchStage.measures} - names
    percents = {f"{name}_p{percent}" for name in ("tpot", "itl") for percent in (50, 95, 99)}
    assert more == percents | {"goodput", "slo_attainment"}
    assert {found.samples[name] for name in percents | {"slo_attainment"}} == {70}
    assert found.samples["goodput"] == found.samples["requests_per_s"]
    assert set(found.samples) == {measure.name for measure in found.measures} - {"memory", "queue_depth_p95"} - SEEN


def test_what_an_objective_is_changes_what_is_measured():
    assert node(slo={"latency": "1s"}).config != node(slo={"latency": "2s"}).config
    assert node().config.slo is None


def test_what_is_seen_of_the_machine_may_be_left_out():
    assert {measure.name for measure in node().measures if measure.optional} == SEEN
