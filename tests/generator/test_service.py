"""The engine behind the gateway, as `serve` starts it."""

import json
import urllib.request

import pytest
from pyarrow import parquet

from ryot.plugins import NodeError
from ryot.plugins.testing import run_service, run_stage
from ryot.stages.autotune.stage import AutotuneConfig, AutotuneStage, LoadConfig
from ryot.stages.bench import columns
from ryot.stages.bench.stage import BenchConfig, BenchStage, Gain, measures_of
from ryot.stages.serve.stage import ServeConfig, ServeService

pytestmark = pytest.mark.heavy


def ask(url, path, body=None):
    data = json.dumps(body).encode() if body else None
    with urllib.request.urlopen(urllib.request.Request(url + path, data, {"content-type": "application/json"}), timeout=60) as answer:
        return json.load(answer)


def test_transformers_serves_behind_the_gateway(gpt, tmp_path):
    config = ServeConfig(engine="transformers", context=64, kv_cache=8 << 20)
    with run_service(ServeService(), config, tmp_path / "serve", inputs={"model": gpt}) as endpoint:
        assert endpoint.info["engine"] == "transformers"
        told = ask(endpoint.url, "/infer", {"tokens": [[5, 9], [30]], "batch_size": 2, "k": 3})
        assert [len(each) for each in told["predictions"]] == [3, 3]
        assert all(0 < share < 1 for each in told["predictions"] for share in each)
        assert ask(endpoint.url, "/health")["status"] == "healthy"
        chat = {"model": "model", "messages": [{"role": "user", "content": "w5"}], "max_tokens": 2, "ignore_eos": True}
        assert ask(endpoint.url, "/v1/chat/completions", chat)["usage"]["completion_tokens"] == 2


def test_a_cache_too_small_for_one_request_is_told_before_it_serves(gpt, tmp_path):
    config = ServeConfig(engine="transformers", context=64, kv_cache=1000)
    with (
        pytest.raises(NodeError, match=r"serve.kv_cache and the free memory do not fit together"),
        run_service(ServeService(), config, tmp_path / "serve", inputs={"model": gpt}),
    ):
        pass


def test_settings_that_were_tried_are_what_the_server_starts_with(gpt, tmp_path):
    load = LoadConfig(name="four", users=4, prompt_tokens=8, output_tokens=8)
    serve = ServeConfig(engine="transformers", context=64, kv_cache=8 << 20, max_concurrency=1)
    config = AutotuneConfig(serve=serve, tries=("max_concurrency",), loads=(load,), vocab_size=300, rounds=3)
    result = run_stage(AutotuneStage(), config, tmp_path / "autotune", inputs={"model": gpt})
    told = json.loads((result.out / "settings.json").read_text())
    assert {record["outcome"].partition(":")[0] for record in told["tried"]} <= {"taken", "not taken"}
    assert ("time_reduction" in result.evidence) == bool(told["settings"])
    with run_service(ServeService(), serve, tmp_path / "serve", inputs={"model": gpt, "settings": result.out}) as endpoint:
        assert endpoint.info["settings"]["max_concurrency"] == told["settings"].get("max_concurrency", 1)


def test_what_a_cache_is_worth_is_measured_on_two_engines_that_say_the_same(gpt, tmp_path):
    """How much that is depends on model and machine. What is certain: both sides were loaded in turns, and answered alike."""
    serve = ServeConfig(engine="transformers", context=128, kv_cache=8 << 20, threads=1)
    asked = {"users": 2, "requests": 16, "warmup": 0, "prompt_tokens": 16, "output_tokens": 48}
    config = BenchConfig(scenario="s", vocab_size=300, gain=Gain(serve=serve, kv_cache=True, blocks=4), **asked)
    found = run_stage(BenchStage(), config, tmp_path / "gain", inputs={"model": gpt}, measures=measures_of(config))
    assert len(found.evidence["speedup"].pairs) == 4
    assert {len(found.evidence[f"tokens_per_s_{name}"].samples) for name in ("before", "after")} == {4}
    logs = [(tmp_path / "gain" / "scratch" / f"engine-{number}.log").read_text() for number in (0, 1)]
    assert ["no cache: every token from its whole sequence" in log for log in logs] == [True, False]
    told = json.loads((found.out / "gain.json").read_text())["alike"]
    assert (told["tokens"], told["parted"]) == (4 * 48, 0)
    assert told["nats"] < 1e-4
    kept = parquet.read_table(found.out / columns.FILE).to_pylist()
    assert [sum(row["side"] == name for row in kept) for name in ("before", "after")] == [20, 20]
    assert {(row["output_tokens"], row["prompt_tokens"], row["error"]) for row in kept} == {(48, 16, None)}
    assert sorted(row["number"] for row in kept) == list(range(40))
    assert min(row["sent_s"] for row in kept) == 0
    assert {row["round"] for row in kept} == {0, 1, 2, 3, 4}
