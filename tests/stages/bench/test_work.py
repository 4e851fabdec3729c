"""Locust for real, against a server whose delays and faults are known."""

import json
from functools import partial

import pytest

from ryot.plugins import Endpoint, NodeError
from ryot.plugins.testing import run_stage
from ryot.stages.bench.stage import BenchConfig, BenchStage, measures_of
from tests.stages.bench.fakes import requests_of, running

pytestmark = pytest.mark.e2e


server = partial(running, "fake_openai.py", {"weights": 10, "kv_cache": 32})


def load(folder, endpoint, **fields):
    config = BenchConfig(**({"scenario": "s", "vocab_size": 512, "requests": 60, "warmup": 4} | fields))
    return run_stage(BenchStage(), config, folder / "node", services={"serve": endpoint}, measures=measures_of(config))


def test_a_constant_delay_is_found_again_in_every_number(tmp_path):
    with server(tmp_path, "--delay-ms", "50", "--waiting", "3") as endpoint:
        found = load(tmp_path, endpoint, batch=2, output_tokens=4)
    assert 0.050 <= found.value("latency_p50") < 0.070
    assert found.value("latency_p95") >= 0.050
    assert len(found.evidence["latency_p99"].samples) == 60
    assert (found.value("errors"), found.value("success_rate")) == (0, 1)
    assert found.value("requests_per_s") == pytest.approx(1 / 0.051, rel=0.25)
    assert found.value("tokens_per_s") == pytest.approx(8 * found.value("requests_per_s"))
    assert (found.value("queue_depth_p95"), found.value("memory")) == (3, 42)
    assert len(requests_of(found.out)) == 60


def test_users_work_side_by_side(tmp_path):
    with server(tmp_path, "--delay-ms", "50") as endpoint:
        found = load(tmp_path, endpoint, users=5, requests=100)
    assert found.value("requests_per_s") == pytest.approx(5 / 0.052, rel=0.3)
    assert len(found.evidence["latency_p50"].samples) == 100


def test_every_kind_of_failure_is_counted_by_its_cause(tmp_path):
    switches = ["--fail-every", "5", "--short-every", "7", "--hang-every", "11", "--reset-every", "13", "--hang-s", "5", "--delay-ms", "5"]
    with server(tmp_path, *switches) as endpoint:
        found = load(tmp_path, endpoint, warmup=0, timeout=0.5)
    # Of requests 1 to 60: hangs 11 22 33 44 55, resets 13 26 39 52, of the rest 500s on 5 10 ... 60 but 55, short on 7 14 ... but 35.
    errors = {"HTTP 500": 11, "RemoteDisconnected": 4, "timeout": 5, "wrong number of choices": 7}
    seen = (found.out / "errors.json").read_text()
    resets = {"ConnectionResetError": 4} if "ConnectionResetError" in seen else {"RemoteDisconnected": 4}
    expected = {name: count for name, count in errors.items() if name != "RemoteDisconnected"} | resets
    assert json.loads(seen) == expected
    assert (found.value("errors"), found.value("success_rate")) == (27, pytest.approx(33 / 60))
    assert found.value("latency_p95") >= 0.5


def test_a_server_that_dies_under_load_is_an_error_and_no_number(tmp_path):
    with server(tmp_path, "--die-after", "30", "--delay-ms", "5") as endpoint, pytest.raises(NodeError, match="gone"):
        load(tmp_path, endpoint)


def test_a_server_that_is_not_there_is_an_error(tmp_path):
    endpoint = Endpoint("http://127.0.0.1:9", "m", {"memory": {"weights": 10, "kv_cache": 32}})
    with pytest.raises(NodeError, match="before the load"):
        load(tmp_path, endpoint)


def test_a_server_that_fails_every_request_is_an_error(tmp_path):
    with server(tmp_path, "--fail-every", "1") as endpoint, pytest.raises(NodeError, match="not one of 60"):
        load(tmp_path, endpoint)
