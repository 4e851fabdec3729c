"""What the plan sees of `bench`."""

import pytest

from ryot.plugins import Facts, Spec, SpecError
from ryot.plugins.stage import identity
from ryot.stages.bench.stage import BenchStage

SEEN = {"server_cpu", "server_memory", "gpu_utilisation", "gpu_memory"}
FACTS = Facts(device="cpu:test x2")


def spec(compress=None, **scenarios):
    fields = {"version": 1, "name": "small", "model": {"preset": "ryot-tiny"}, "train": {"epochs": 1}, "export": {}, "serve": {}}
    data = {"sources": [{"generate": {"examples": 100}}]}
    return Spec.model_validate(fields | {"data": data, "bench": {"scenarios": scenarios}, "compress": compress})


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
    assert {measure.name for measure in node().measures if measure.optional} == SEEN | {"queue_depth_p95"}


def test_lengths_pauses_and_traces_are_what_makes_another_load():
    plain = node(prompt_tokens=16)
    assert plain.config.prompt_tokens == node(prompt_tokens={"from": 16, "to": 16}).config.prompt_tokens == 16
    assert not {"think", "trace"} & set(identity(plain.config))
    spread = node(prompt_tokens={"from": 16, "to": 64}, think="100ms")
    assert identity(spread.config)["prompt_tokens"] == {"least": 16, "most": 64}
    assert identity(spread.config)["think"] == {"mean": 0.1, "distribution": "constant"}


def test_a_range_has_to_fit_the_context_at_its_longest():
    with pytest.raises(SpecError, match="250 prompt and 7 output"):
        node(prompt_tokens={"from": 1, "to": 250}, output_tokens={"from": 1, "to": 7})


def test_how_many_answers_have_a_second_token_is_not_known_where_it_is_drawn():
    drawn = node(stream=True, output_tokens={"from": 1, "to": 4})
    assert "tpot_p95" not in drawn.samples
    assert next(measure for measure in drawn.measures if measure.name == "tpot_p95").optional
    assert node(stream=True, output_tokens={"from": 2, "to": 4}).samples["tpot_p95"] == 200


def test_a_trace_enters_the_key_by_its_digest_and_not_by_where_it_lies():
    def keyed(digest, path):
        facts = Facts(device="cpu:test x2", digests={"t.jsonl": digest}, paths={"t.jsonl": path})
        (found,) = BenchStage().expand(spec(one={"trace": "t.jsonl", "arrivals": {"replay": True}}), facts)
        return identity(found.config)

    assert keyed("a", "/one") == keyed("a", "/other") != keyed("b", "/one")
    assert keyed("a", "/one")["trace"] == {"digest": "a", "context": 256}
    with pytest.raises(SpecError, match=r"no file 't.jsonl'"):
        node(trace="t.jsonl")


def test_a_load_for_a_time_says_only_what_is_known_of_its_requests():
    users = node(duration="30min")
    assert (users.config.duration, users.config.requests) == (1800.0, 0)
    assert set(users.samples) == set()
    assert node(duration="30min", requests=500).samples["latency_p99"] == 500
    arrivals = node(duration="30min", arrivals={"rate": 2.5})
    assert (arrivals.config.requests, arrivals.samples["latency_p95"], arrivals.samples["latency_drift"]) == (4500, 4500, 10)
    drifts = {measure.name for measure in users.measures} - {measure.name for measure in BenchStage.measures}
    assert drifts == {"latency_drift", "memory_drift"}
    assert "duration" not in identity(node().config)


def test_a_ramp_says_itself_how_many_requests_it_has_and_measures_each_step():
    found = node(arrivals={"ramp": [{"rate": 10, "for": "10s"}, {"rate": 100, "for": "3s"}]}, slo={"latency": "1s"})
    assert (found.config.requests, [step.requests for step in found.config.arrivals.ramp]) == (400, [100, 300])
    names = {measure.name for measure in found.measures}
    assert "degradation" not in names
    percents = {f"latency_p{percent}" for percent in (50, 95, 99)}
    steps = {f"step{number}_{name}" for number in (1, 2) for name in percents | {"errors", "slo_attainment"}}
    assert {name for name in names if name.startswith("step")} == steps
    assert (found.samples["latency_p99"], found.samples["step1_latency_p99"], found.samples["step2_errors"]) == (400, 100, 300)
    assert [found.config.arrivals.step_of(number) for number in (0, 99, 100, 399)] == [0, 0, 1, 1]
    assert "ramp" not in identity(node(arrivals={"rate": 3}).config)["arrivals"]


def test_scaling_brings_its_own_servers_and_knows_how_many_blocks_it_has():
    found = node(users=4, scaling={"replicas": [1, 2, 4], "blocks": 6})
    assert (dict(found.inputs), dict(found.services)) == ({"model": "export"}, {})
    each = dict.fromkeys(("overhead", "evenness"), (2, 4)) | {"throughput": (1, 2, 4)}
    names = {f"{name}_{number}" for name, numbers in each.items() for number in numbers}
    assert {measure.name for measure in found.measures} == names
    assert {measure.name for measure in found.measures if measure.optional} == names - {"throughput_1"}
    assert found.samples == {name: 6 for name in names if not name.startswith("evenness")}
    assert identity(found.config)["scaling"]["serve"]["context"] == 256
    assert "scaling" not in identity(node().config)


def test_a_gain_reads_what_it_compares():
    batches = node(gain={"batch": 16, "blocks": 6})
    assert (dict(batches.inputs), dict(batches.services), batches.config.gain.batch) == ({"model": "export"}, {}, 16)
    assert batches.samples == dict.fromkeys(("speedup", "tokens_per_s_before", "tokens_per_s_after"), 6)
    assert all(measure.optional for measure in batches.measures)
    assert "kv_cache" not in identity(batches.config)["gain"]
    cache = node(gain={"kv_cache": True}, output_tokens=16)
    assert (identity(cache.config)["gain"]["kv_cache"], "cached" in identity(cache.config)["gain"]["serve"]) == (True, False)
    (copies,) = BenchStage().expand(spec(compress={"int8": {}}, one={"gain": {"weights": "int8"}}), FACTS)
    assert dict(copies.inputs) == {"model": "export", "candidate": "compress.int8"}
    with pytest.raises(SpecError, match="no copy that `compress` makes"):
        node(gain={"weights": "int8"})
