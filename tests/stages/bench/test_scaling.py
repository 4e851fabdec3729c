"""Engines of known delays behind real gateways: what several lack of as many times one, and how evenly they share."""

import json
import subprocess
from contextlib import ExitStack
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ryot.measures import point
from ryot.plugins import NodeError
from ryot.plugins.testing import context_in
from ryot.stages.bench import scaling, turns
from ryot.stages.bench.stage import BenchConfig, BenchStage, Scaling, measures_of
from ryot.stages.serve.stage import ServeConfig
from tests.stages.bench.fakes import running

pytestmark = pytest.mark.e2e
TOLD = {"model": "model", "digest": "d", "context": 128, "vocab_size": 512, "sequences": 1}


@pytest.fixture
def engines(tmp_path, monkeypatch):
    """Call it with the milliseconds that each engine takes for an answer; one that answers one request at a time."""
    with ExitStack() as stack:

        def made(*delays_ms):
            started = []

            def launch(config, context, checkpoint, number):
                folder = tmp_path / f"engine-{len(started)}"
                folder.mkdir()
                started.append(stack.enter_context(running("timed_openai.py", {}, folder, "--ms", str(delays_ms[number]))))
                process = subprocess.Popen(["sleep", "600"])
                stack.callback(process.kill)
                return SimpleNamespace(url=started[-1].url, process=process)

            monkeypatch.setattr(scaling, "launch", launch)
            monkeypatch.setattr(scaling, "ready", lambda engine, *_: engine)
            monkeypatch.setattr(scaling, "read_checkpoint", lambda _: None)
            monkeypatch.setattr(scaling.front, "settings", lambda *_: TOLD)
            return started

        yield made


def scaled(folder, replicas):
    """The context of a run on two cores, as it is afterwards."""
    serve = ServeConfig(context=64, max_concurrency=1)
    asked = {"users": 2, "requests": 32, "warmup": 0, "scaling": Scaling(serve=serve, replicas=replicas, blocks=4)}
    config = BenchConfig(scenario="s", vocab_size=512, **asked)
    context = replace(context_in(folder, BenchStage(), [], inputs={"model": folder}, measures=measures_of(config)), cpus=2)
    BenchStage().run(config, context)
    assert context.unmeasured == []
    return context


def value(found, name):
    return point(found.declared[name], found.evidence[name])


def test_a_slow_replica_shows_in_overhead_and_in_evenness(tmp_path, engines):
    """Where each takes 20 ms, two answer twice as much; where the second takes 100 ms, it adds a fifth, and answers a sixth."""
    found = []
    for name, delays in (("even", (20, 20)), ("slow", (20, 100))):
        engines(*delays)
        (tmp_path / name).mkdir()
        found.append(scaled(tmp_path / name, (1, 2)))
        for number in (0, 1):
            (tmp_path / f"engine-{number}").rename(tmp_path / f"{name}-{number}")
    even, slow = found
    assert value(slow, "overhead_2") > value(even, "overhead_2") + 0.1
    assert value(slow, "evenness_2") < 0.7 < value(even, "evenness_2") <= 1
    assert {len(even.evidence[name].samples) for name in ("throughput_1", "throughput_2")} == {4}
    pairs = even.evidence["overhead_2"].pairs
    assert [pair[1] for pair in pairs] == list(even.evidence["throughput_2"].samples)
    assert [pair[0] / 2 for pair in pairs] == list(even.evidence["throughput_1"].samples)
    told = json.loads((even.out / "scaling.json").read_text())
    assert [block["side"] for block in told["blocks"]] == [1, 2, 2, 1, 1, 2, 2, 1, 1, 2]
    assert {name: sum(each) for name, each in told["answered"].items()} == {"1": 5 * 8, "2": 5 * 16}


def test_more_replicas_than_the_machine_has_room_for_have_no_number_but_a_reason(tmp_path, engines):
    started = engines(5, 5)
    found = scaled(tmp_path, (1, 2, 64))
    assert len(started) == 2
    assert "overhead_64" not in found.evidence
    assert "64 replicas are more than this machine has room for: it has 2 cores" in found.lacking["overhead_64"]
    assert {"throughput_64", "evenness_64"} < set(found.lacking)


def test_clients_that_were_the_bottleneck_are_no_result(tmp_path, engines, monkeypatch):
    engines(5, 5)
    monkeypatch.setattr(turns, "MOST_CPU", 0.0)
    with pytest.raises(NodeError, match=r"not valid: 1 replicas: the clients used .* of a core"):
        scaled(tmp_path, (1, 2))


def test_answers_that_the_gateway_did_not_count_are_no_result(tmp_path, engines, monkeypatch):
    engines(5, 5)
    monkeypatch.setattr(scaling, "answered", lambda _: [0, 0])
    monkeypatch.setattr(scaling.time, "sleep", lambda _: None)
    with pytest.raises(NodeError, match="40 requests went to 1 replicas, and the gateway counted 0 answers"):
        scaled(tmp_path, (1, 2))
