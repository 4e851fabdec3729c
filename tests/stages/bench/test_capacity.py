"""The search as a whole: loads whose outcome is known in place of real ones, and once a real one."""

import json
from functools import partial

import pytest

from ryot.measures import Target, parse_target
from ryot.plugins import Endpoint
from ryot.plugins.testing import run_stage
from ryot.stages.bench import audit, work
from ryot.stages.bench.arrivals import offsets_s
from ryot.stages.bench.samples import Sample, latencies
from ryot.stages.bench.stage import Arrivals, BenchConfig, BenchStage, FindMax
from tests.stages.bench.fakes import requests_of, running

NOWHERE = Endpoint("http://127.0.0.1:9", "m", {})


def sought(*targets, **fields):
    parsed = tuple(Target.model_validate(parse_target(target)) for target in targets)
    return FindMax(**({"targets": parsed, "steps": 10, "budget_s": 60.0, "step_s": 1.0, "least_requests": 100} | fields))


def search(folder, find, endpoint=NOWHERE, **fields):
    config = BenchConfig(**({"scenario": "s", "vocab_size": 512, "requests": 20, "warmup": 0, "find": find} | fields))
    found = run_stage(BenchStage(), config, folder / "node", services={"serve": endpoint}, measures=())
    return json.loads((found.out / "search.json").read_text())


@pytest.fixture
def server(monkeypatch):
    """A way to put a function from the load to the latency in the place of a real load; returns the configs of the loads that were made.
    It may raise what a real load raises."""
    made = []

    def put(latency_s):
        def load(config, context):
            made.append(config)
            level = config.arrivals.rate if config.arrivals else config.users
            took = latency_s(level)
            kept = [Sample(number, at, at + took, 1) for number, at in enumerate(offsets_s(config.requests, level, "constant", ""))]
            context.measure("latency_p95", samples=latencies(kept, config.timeout))
            context.measure("requests_per_s", samples=[level * (1 + number / 1000) for number in range(20)])
            return kept

        monkeypatch.setattr(work, "load", load)
        return made

    return put


def test_highest_rate_that_meets_the_target_is_found_with_its_evidence(tmp_path, server):
    made = server(lambda rate: 0.005 if rate <= 70 else 0.5)
    found = search(tmp_path, sought("bench.s/latency_p95 < 50ms"), arrivals=Arrivals(rate=20))
    assert [step["outcome"] for step in found["steps"]] == ["met", "met", "missed", "met", "met", "missed"]
    assert (found["highest"], found["ended"]) == (pytest.approx(67.27, abs=0.01), "narrow")
    assert found["first_missed"]["level"] == pytest.approx(73.36, abs=0.01)
    assert "latency_p95 < 50ms: FAIL, at least 500 ms" in found["first_missed"]["reasons"][0]
    assert all(len(step["measures"]["latency_p95"]["samples"]) == step["requests"] for step in found["steps"])
    assert len({config.seed for config in made}) == len(made)
    assert [config.requests for config in made[:3]] == [100, 100, 100]


def test_load_lasts_its_time_at_high_rates(tmp_path, server):
    made = server(lambda rate: 0.005 if rate <= 700 else 0.5)
    search(tmp_path, sought("bench.s/latency_p95 < 50ms"), arrivals=Arrivals(rate=400))
    assert [config.requests for config in made[:2]] == [400, 800]


def test_too_few_samples_meet_nothing(tmp_path, server):
    server(lambda rate: 0.005)
    find = sought("bench.s/latency_p95 < 50ms", step_s=0.1, least_requests=1, steps=3)
    found = search(tmp_path, find, arrivals=Arrivals(rate=20))
    assert (found["highest"], {step["outcome"] for step in found["steps"]}) == (None, {"missed"})
    assert "INCONCLUSIVE, a p95 needs 59 samples" in found["steps"][0]["reasons"][0]


def test_run_that_is_not_valid_meets_nothing(tmp_path, server):
    def latency_s(rate):
        if rate > 100:
            raise work.NotValid("the generator was the bottleneck")
        return 0.005

    server(latency_s)
    found = search(tmp_path, sought("bench.s/latency_p95 < 50ms"), arrivals=Arrivals(rate=90))
    assert found["highest"] <= 100 < found["first_missed"]["level"]
    assert found["first_missed"]["outcome"] == "invalid"


def test_load_under_which_nothing_succeeds_is_too_much(tmp_path, server):
    def latency_s(users):
        if users > 5:
            raise work.NoneRight("not one of 100 requests succeeded")
        return 0.005

    server(latency_s)
    found = search(tmp_path, sought("bench.s/latency_p95 < 50ms"), users=2)
    assert (found["highest"], found["first_missed"]["level"], found["unit"]) == (5, 6, "users")


def test_floor_of_a_rate_is_met_by_more_load(tmp_path, server):
    server(lambda rate: 0.005 if rate <= 70 else 0.5)
    find = sought("bench.s/latency_p95 < 50ms", "bench.s/requests_per_s >= 30 requests/s")
    found = search(tmp_path, find, arrivals=Arrivals(rate=10))
    assert [step["outcome"] for step in found["steps"]][:4] == ["too little", "too little", "met", "missed"]
    assert found["highest"] == pytest.approx(67.27, abs=0.01)


@pytest.mark.parametrize(("target", "requests"), [("bench.s/queue_depth_p95 < 5", [100, 1000]), ("bench.s/latency_p95 < 50ms", [100])])
def test_load_that_is_over_before_the_queue_is_seen_is_made_longer_where_that_is_asked(tmp_path, server, monkeypatch, target, requests):
    made = server(lambda users: 0.005)
    real = work.load

    def load(config, context):
        kept = real(config, context)
        if config.requests < 1000:
            context.lack("queue_depth_p95", "the load was over")
        return kept

    monkeypatch.setattr(work, "load", load)
    search(tmp_path, sought(target, steps=1), users=4)
    assert [config.requests for config in made] == requests
    assert len({config.seed for config in made}) == len(made)


real_server = partial(running, "timed_openai.py", {"all": 1})


@pytest.mark.e2e
def test_search_for_real(tmp_path, monkeypatch):
    """No load is too much for a server that only waits, and none makes it quicker."""
    monkeypatch.setattr(audit, "LEAST_DELAY_S", {50: 0.2, 99: 1.0})
    monkeypatch.setattr(audit, "LEAST_SPAN_OFF_S", 0.5)
    monkeypatch.setattr(audit, "LEAST_LAG_S", 1.0)
    with real_server(tmp_path, "--ms", "50") as endpoint:
        find = sought("bench.s/latency_p50 > 50ms", "bench.s/errors == 0", steps=2, least_requests=60)
        found = search(tmp_path, find, endpoint, arrivals=Arrivals(rate=50))
    assert [(step["level"], step["outcome"]) for step in found["steps"]] == [(50, "met"), (100, "met")]
    assert (found["highest"], found["first_missed"], found["ended"]) == (100, None, "steps")
    for number, step in enumerate(found["steps"], 1):
        rows = requests_of(tmp_path / "node" / "out" / "steps" / f"{number:02d}")
        assert len(rows) == step["requests"] == len(step["measures"]["latency_p50"]["samples"])
