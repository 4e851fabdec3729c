"""What a change is worth, on engines whose delays are known."""

import subprocess
from contextlib import ExitStack
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from ryot.measures import Target, parse_target, point
from ryot.plugins.testing import context_in
from ryot.stages.bench import columns, gain
from ryot.stages.bench.stage import BenchConfig, BenchStage, Gain, measures_of
from ryot.stages.serve.stage import ServeConfig
from tests.stages.bench.fakes import running

pytestmark = pytest.mark.e2e


@pytest.fixture
def engines(tmp_path, monkeypatch):
    """Call it with the milliseconds that each engine takes; returns with what each is started."""
    with ExitStack() as stack:

        def made(*delays_ms):
            started = []

            def launch(config, context, checkpoint, number):
                folder = tmp_path / f"engine-{number}"
                folder.mkdir()
                endpoint = stack.enter_context(running("timed_openai.py", {}, folder, "--ms", str(delays_ms[number])))
                process = subprocess.Popen(["sleep", "600"])
                stack.callback(process.kill)
                started.append((checkpoint.name, config.threads, context.device))
                return SimpleNamespace(url=endpoint.url, process=process)

            monkeypatch.setattr(gain, "launch", launch)
            monkeypatch.setattr(gain, "ready", lambda engine, *_: engine)
            monkeypatch.setattr(gain, "read_checkpoint", lambda folder: folder)
            return started

        yield made


def gained(folder, change, engine="vllm", device="test"):
    """The context of a run on two cores, as it is afterwards."""
    asked = Gain(serve=ServeConfig(context=64, max_concurrency=8, engine=engine), blocks=4, **change)
    config = BenchConfig(scenario="s", vocab_size=512, users=2, requests=48, warmup=0, output_tokens=3, gain=asked)
    inputs = {"model": folder / "export", "candidate": folder / "copy"}
    context = context_in(folder / "node", BenchStage(), [], inputs=inputs, measures=measures_of(config))
    BenchStage().run(config, there := replace(context, cpus=2, device=device))
    assert there.unmeasured == []
    return there


def value(found, name):
    return point(found.declared[name], found.evidence[name])


def test_prompts_together_are_as_much_faster_as_the_engine_makes_them(tmp_path, engines):
    """Each request takes 80 ms, however many prompts it has: four together are four times as fast, less what this machine adds."""
    started = engines(80)
    found = gained(tmp_path, {"batch": 4})
    assert started == [("export", 1, "test")]
    assert 2 < value(found, "speedup") < 4.5
    assert len(found.evidence["speedup"].pairs) == len(found.evidence["tokens_per_s_after"].samples) == 4
    assert found.bounds("speedup")[0] > 1
    sizes = {(row.side, row.prompt_tokens, row.output_tokens) for row in pd.read_parquet(found.out / columns.FILE).itertuples()}
    assert sizes == {("before", 32, 3), ("after", 128, 12)}


def test_a_copy_that_is_slower_is_no_gain(tmp_path, engines):
    started = engines(40, 160)
    found = gained(tmp_path, {"weights": "int8"})
    assert started == [("export", 1, "test"), ("copy", 1, "test")]
    assert value(found, "speedup") < 0.7
    assert found.bounds("speedup")[1] < 1


@pytest.mark.parametrize(
    ("change", "engine", "device", "why"),
    [
        ({"gpu": True}, "transformers", "cpu:x x2", "this machine has no GPU"),
        ({"gpu": True}, "vllm", "cuda:x x1", "does not compute on a CPU"),
        ({"weights": "int4"}, "vllm", "cpu:x x2", "int4 has no kernel"),
        ({"kv_cache": True}, "vllm", "cpu:x x2", "vLLM has no way to serve without a KV cache; engine: transformers has"),
    ],
)
def test_what_the_machine_lacks_has_no_number_but_a_reason(tmp_path, engines, change, engine, device, why):
    started = engines(10, 10)
    found = gained(tmp_path, change, engine, device)
    assert (started, found.evidence) == ([], {})
    assert set(found.lacking) == set(found.declared)
    assert why in found.lacking["speedup"]
    verdict = found.judged(Target.model_validate(parse_target("bench.s/speedup > 0.1")))
    assert (verdict.status, why in verdict.reason) == ("ERROR", True)


def test_an_engine_that_says_nothing_of_its_cache_is_not_asked_to_do_without(tmp_path, engines, monkeypatch):
    """One that was written before the question would serve with its cache on both sides."""
    monkeypatch.setattr(gain, "serving_engine", lambda _: SimpleNamespace(refusal=lambda _: None))
    started = engines(10, 10)
    found = gained(tmp_path, {"kv_cache": True}, "other")
    assert (started, found.evidence) == ([], {})
    assert "the engine other does not say that it can serve without a KV cache" in found.lacking["speedup"]
