"""The search itself, over engines that answer as slowly or as wrongly as a test wants."""

import json
import random
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from ryot.plugins import Facts, NodeError, Spec
from ryot.plugins.testing import run_stage
from ryot.stages.autotune import turns, work
from ryot.stages.autotune.stage import AutotuneConfig, AutotuneStage, LoadConfig
from ryot.stages.serve.client import Answer
from ryot.stages.serve.settings import tuned
from ryot.stages.serve.stage import ServeConfig, ServeService

SERVE = ServeConfig(context=64, threads=2, max_concurrency=8, kv_cache=64 << 20)
LOADS = (LoadConfig(name="single", prompt_tokens=8, output_tokens=1),)


@dataclass
class Process:
    url: str
    returncode: int | None = None

    def poll(self):
        return self.returncode


class Engines:
    """What each settings' engine is like, which were started, and which are up. Time is reckoned, so that nothing else can spend it."""

    def __init__(self):
        self.started, self.up, self.random, self.first = [], {}, random.Random(1), None

    def start(self, config, context, checkpoint, number):
        self.started.append(config)
        if config.kv_cache == 128 << 20:
            raise NodeError("the server ended: no memory")
        url = f"http://engine-{len(self.started)}"
        self.up[url], process = config, Process(url)
        self.first = self.first or process
        return SimpleNamespace(url=url, took_s=0.1, process=process, log="log")

    def stop(self, process):
        del self.up[process.url]

    def load(self, url, asked, users):
        """As many answers, 4 % sooner or later than they should be."""
        config, answers, now = self.up[url], [], 0.0
        for each in asked:
            took = (0.005 if config.max_concurrency == 4 else 0.02) * self.random.uniform(0.96, 1.04)
            values = [None, *[-2.5 if config.dtype == "bf16" else -2.0] * (len(each.body["prompt"][0]) - 1), -1.0]
            body = json.dumps({"choices": [{"logprobs": {"token_logprobs": values}} for _ in each.body["prompt"]]}).encode()
            answers.append(Answer(500 if config.speculative else 200, body, {}, now, now + took))
            now += took
        return answers


@pytest.fixture
def engines(monkeypatch):
    found = Engines()
    monkeypatch.setattr(work, "_start", found.start)
    monkeypatch.setattr(work, "stop", found.stop)
    monkeypatch.setattr(work, "read_checkpoint", lambda _: SimpleNamespace(weight_bytes=1))
    monkeypatch.setattr(work, "_types", lambda: ("bf16",))
    monkeypatch.setattr(turns, "load", found.load)
    return found


def search(tmp_path, **fields):
    given = {"serve": SERVE, "tries": ("max_concurrency",), "loads": LOADS, "vocab_size": 100, "rounds": 4}
    result = run_stage(AutotuneStage(), AutotuneConfig(**(given | fields)), tmp_path / "node", inputs={"model": tmp_path})
    return result, json.loads((result.out / "settings.json").read_text())


def outcomes(told):
    return {json.dumps(record["change"]): record["outcome"] for record in told["tried"]}


def test_the_faster_setting_is_taken_and_the_server_reads_it(engines, tmp_path):
    result, told = search(tmp_path)
    assert told["settings"] == {"max_concurrency": 4}
    assert result.evidence["time_reduction"].pairs
    assert 0.7 < told["time_reduction"][0] < 0.75 < told["time_reduction"][1] < 0.8
    assert outcomes(told) == {'{"max_concurrency": 4}': "taken", '{"max_concurrency": 16}': "not taken: 3% saved is not shown"}
    assert not engines.up
    context = SimpleNamespace(inputs={"settings": result.out})
    assert tuned(SERVE, context) == SERVE.model_copy(update={"max_concurrency": 4})


def test_where_nothing_is_better_the_specs_settings_stay(engines, tmp_path):
    result, told = search(tmp_path, tries=("kv_cache", "speculative"))
    assert told["settings"] == {}
    assert outcomes(told) == {
        '{"kv_cache": 33554432}': "not taken: 3% saved is not shown",
        '{"kv_cache": 134217728}': "does not start: the server ended: no memory",
        '{"speculative": 4}': outcomes(told)['{"speculative": 4}'],
    }
    assert outcomes(told)['{"speculative": 4}'].startswith("does not serve: the engine answered 500")
    assert "time_reduction" not in result.evidence
    assert told["from"] == {"kv_cache": 64 << 20, "speculative": 0}
    assert not engines.up


def test_a_choice_that_is_not_shown_again_to_be_faster_is_dropped(engines, tmp_path, monkeypatch):
    pairs = turns.Turns.pairs
    seen = []

    def lucky(self, before, after, rounds):
        seen.append(1)
        return pairs(self, before, after, rounds) if len(seen) < 3 else pairs(self, after, before, rounds)

    monkeypatch.setattr(turns.Turns, "pairs", lucky)
    result, told = search(tmp_path)
    assert told["settings"] == {}
    assert told["dropped"] == {"max_concurrency": 4}
    assert told["time_reduction"][1] < 0
    assert "time_reduction" not in result.evidence


def test_no_candidate_is_blamed_where_the_best_engine_died(engines, tmp_path, monkeypatch):
    def dying(self, before, after, rounds):
        engines.first.returncode = -9
        raise NodeError("the engine answered 0")

    monkeypatch.setattr(turns.Turns, "pairs", dying)
    with pytest.raises(NodeError, match="the best engine so far ended with exit code -9"):
        search(tmp_path)


def test_a_load_that_takes_long_is_not_begun_without_time_for_it(engines, tmp_path):
    load = LoadConfig(name="many", users=50, prompt_tokens=8, output_tokens=1)
    _, told = search(tmp_path, loads=(load,), budget=12)  # 50 requests of 20 ms in a block, 10 blocks a candidate: 10 s
    assert outcomes(told)['{"max_concurrency": 16}'] == "not taken: 3% saved is not shown"
    _, told = search(tmp_path / "less", loads=(load,), budget=9)
    assert set(outcomes(told).values()) == {"no time was left"}


def test_an_engine_that_answers_otherwise_is_not_taken_however_fast(engines, tmp_path):
    _, told = search(tmp_path, tries=("dtype",))
    assert outcomes(told) == {'{"dtype": "bf16"}': "answers otherwise: its log-probabilities differ by 0.500 nats in the mean"}


def test_what_there_is_no_time_for_is_said(engines, tmp_path):
    _, told = search(tmp_path, budget=1)
    assert set(outcomes(told).values()) == {"no time was left"}
    assert told["settings"] == {}


def test_a_run_that_was_killed_goes_on_with_what_is_untried(engines, tmp_path, monkeypatch):
    def killed(*_, **__):
        raise KeyboardInterrupt

    conclude = work._conclude
    monkeypatch.setattr(work, "_conclude", killed)
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path)
    monkeypatch.setattr(work, "_conclude", conclude)
    before = len(engines.started)
    assert before == 3
    _, told = search(tmp_path)
    assert told["settings"] == {"max_concurrency": 4}
    # the best so far, what is new beside it (4 halved), and the spec's settings at the end
    assert [config.max_concurrency for config in engines.started[before:]] == [4, 2, 8]
    assert not engines.up


def test_the_loads_are_those_of_the_bench_each_once():
    spec = Spec.model_validate(
        {
            "version": 1,
            "name": "s",
            "model": {"preset": "ryot-tiny"},
            "data": {"sources": [{"generate": {"examples": 20}}]},
            "train": {"steps": 1},
            "export": {},
            "serve": {"autotune": {"budget": "5min", "tries": ["threads"]}},
            "bench": {"scenarios": {"a": {}, "again": {}, "b": {"users": 4}, "open": {"arrivals": {"rate": 9}}}},
        }
    )
    (node,) = AutotuneStage().expand(spec, Facts(device="cpu:test x2"))
    assert [load.name for load in node.config.loads] == ["a", "b", "open"]
    assert node.config.budget == 300
    assert [load.users for load in node.config.loads] == [1, 4, 32]
    (server,) = ServeService().expand(spec, Facts(device="cpu:test x2"))
    assert server.inputs == {"model": "export", "settings": "autotune"}
