"""The open loop, streams and the shapes of loads for real: Locust against a server that writes down what it did. Bounds on the generator's
own delays are lifted here: they are tested in test_audit, and a busy machine is no defect of the generator."""

import json
import os
import signal
import threading
import time
import urllib.request
from functools import partial

import pytest

from ryot.plugins import Endpoint, NodeError, digest_file
from ryot.plugins.testing import run_stage
from ryot.stages.bench import audit, work
from ryot.stages.bench.arrivals import offsets_s, ramp_s
from ryot.stages.bench.stage import Arrivals, BenchConfig, BenchStage, Objective, Span, Step, Think, Trace, measures_of
from tests.stages.bench.fakes import requests_of, running

pytestmark = pytest.mark.e2e


server = partial(running, "timed_openai.py", {"all": 1})


def load(folder, endpoint, **fields):
    config = BenchConfig(**({"scenario": "s", "vocab_size": 512, "warmup": 2} | fields))
    return run_stage(BenchStage(), config, folder / "node", services={"serve": endpoint}, measures=measures_of(config))


def rows(folder):
    return requests_of(folder / "node" / "out")


@pytest.fixture(autouse=True)
def busy_machine(monkeypatch):
    monkeypatch.setattr(audit, "LEAST_DELAY_S", {50: 0.2, 99: 1.0})
    monkeypatch.setattr(audit, "LEAST_SPAN_OFF_S", 0.5)
    monkeypatch.setattr(audit, "LEAST_LAG_S", 1.0)


def test_requests_of_a_stalled_server_count_from_their_intended_start(tmp_path):
    """Stopped for two seconds at 50 requests/s: 75 of them meet a stop of over half a second. A client that waits would notice one."""
    samples, arrivals = tmp_path / "node" / "scratch" / "samples.jsonl", Arrivals(rate=50, distribution="constant")

    def stall(pid):
        while not (samples.exists() and len(samples.read_text().splitlines()) >= 20):
            time.sleep(0.01)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(2.0)
        os.kill(pid, signal.SIGCONT)

    with server(tmp_path, "--ms", "5") as endpoint:
        thread = threading.Thread(target=stall, args=(endpoint.info["pid"],), daemon=True)
        thread.start()
        found = load(tmp_path, endpoint, requests=200, arrivals=arrivals)
        thread.join()
    late = [row for row in rows(tmp_path) if row["end_s"] - row["intended_s"] > 0.5]
    assert 70 <= len(late) <= 100
    assert found.value("latency_p95") > 1.0
    assert [row["intended_s"] for row in rows(tmp_path)] == pytest.approx(offsets_s(200, 50, "constant", ""), abs=1e-6)
    assert sum(row["sent_s"] - row["intended_s"] for row in late) < 0.2 * len(late)  # the stop kept none of them from being sent
    assert found.value("errors") == 0


def test_arrivals_that_find_all_connections_busy_wait_and_the_scenario_is_not_valid(tmp_path, monkeypatch):
    monkeypatch.setattr(work, "TRIES", 1)
    arrivals = Arrivals(rate=100, distribution="poisson", max_in_flight=2)
    with server(tmp_path, "--ms", "50") as endpoint, pytest.raises(NodeError, match=r"requests/s were.* waited for one of max_in_flight"):
        load(tmp_path, endpoint, requests=60, arrivals=arrivals)
    kept = rows(tmp_path)
    assert [row["intended_s"] for row in kept] == pytest.approx(offsets_s(60, 100, "poisson", "0 s arrivals"), abs=1e-6)
    busy = [sum(other["sent_s"] <= row["sent_s"] < other["end_s"] for other in kept) for row in kept]
    assert max(busy) == 2
    assert kept[-1]["end_s"] - kept[-1]["intended_s"] > 0.5  # 60 requests, two at a time, take 1.5 s; the last came after 0.6 s
    (tried,) = json.loads((tmp_path / "node" / "out" / "generator.json").read_text())["tries"]
    assert tried["schedule"]["waited"] > 30


@pytest.mark.parametrize("loop", [{"arrivals": Arrivals(rate=40)}, {"users": 3}], ids=["open", "closed"])
def test_times_of_tokens_are_those_of_the_server(tmp_path, loop):
    slo = Objective(ttft=0.04, latency=30.0)
    with server(tmp_path, "--delays", "bimodal", "--ms", "20", "--gap-ms", "8") as endpoint:
        found = load(tmp_path, endpoint, requests=60, output_tokens=5, stream=True, slo=slo, **loop)
        with urllib.request.urlopen(f"{endpoint.url}/truth") as answer:
            truth = json.load(answer)[2:]
    kept = rows(tmp_path)
    assert [len(row["chunks_s"]) for row in kept] == [5] * 60
    firsts = sorted((row[1] - row[0]) / 1e9 for row in truth)
    seen = sorted(found.evidence["ttft_p50"].samples)
    assert all(ours >= theirs for ours, theirs in zip(seen, firsts, strict=True))
    assert found.value("ttft_p50") < 3 * firsts[30] + 0.1
    theirs = sorted((row[-1] - row[1]) / 4e9 for row in truth)[30]
    assert found.value("tpot_p50") == pytest.approx(theirs, rel=0.3)
    assert 0.004 < found.value("itl_p50") < 0.03
    assert {len(found.evidence[f"{name}_p99"].samples) for name in ("ttft", "tpot", "itl", "latency")} == {60}
    good = sum(row["chunks_s"][0] - row["intended_s"] <= 0.04 for row in kept)
    assert good <= sum(first <= 0.04 for first in firsts) < 60
    assert found.value("slo_attainment") == pytest.approx(good / 60)
    assert found.value("goodput") == pytest.approx(good / max(row["end_s"] for row in kept))


def test_a_stream_of_one_token_has_only_a_first_one(tmp_path):
    with server(tmp_path) as endpoint:
        found = load(tmp_path, endpoint, requests=40, output_tokens=1, stream=True)
    assert (found.value("errors"), "tpot_p50" in found.evidence, len(found.evidence["ttft_p95"].samples)) == (0, False, 40)


def traced(folder, rows):
    path = folder / "trace.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Trace(digest=digest_file(path), context=64, written="trace.jsonl", path=str(path))


def test_a_trace_is_replayed_at_its_times_with_its_lengths(tmp_path):
    rows = [{"prompt_tokens": 4 + n % 7, "output_tokens": 1 + n % 3, "at": 7 + n // 2 * 0.03} for n in range(40)]  # two at each time
    with server(tmp_path, "--ms", "5") as endpoint:
        found = load(tmp_path, endpoint, requests=40, arrivals=Arrivals(replay=True), trace=traced(tmp_path, rows), stream=True)
        with urllib.request.urlopen(f"{endpoint.url}/asked") as answer:
            asked = json.load(answer)[2:]
    kept = rows_by_number(tmp_path)
    assert [row["intended_s"] for row in kept] == pytest.approx([row["at"] - 7 for row in rows], abs=1e-6)
    assert sorted(asked) == sorted([row["prompt_tokens"], row["output_tokens"]] for row in rows)
    assert [row["tokens"] for row in kept] == [row["output_tokens"] for row in rows]
    assert (found.value("errors"), len(found.evidence["ttft_p50"].samples)) == (0, 40)
    assert len(found.evidence["tpot_p50"].samples) == sum(row["output_tokens"] > 1 for row in rows)


def rows_by_number(folder):
    return sorted(rows(folder), key=lambda row: row["number"])


@pytest.mark.parametrize(
    ("change", "why"),
    [({}, "has 2 requests, and 3 are to be replayed"), ({"digest": "0"}, "has changed since"), ({"context": 8}, "line 2 asks for 8 . 1")],
)
def test_a_trace_that_cannot_be_replayed_is_no_load(tmp_path, change, why):
    trace = traced(tmp_path, [{"prompt_tokens": 4, "output_tokens": 1, "at": 0}, {"prompt_tokens": 8, "output_tokens": 1, "at": 1}])
    with pytest.raises(NodeError, match=why):
        load(
            tmp_path, Endpoint("http://127.0.0.1:9", "m"), requests=3, arrivals=Arrivals(replay=True), trace=trace.model_copy(update=change)
        )


def test_users_pause_between_an_answer_and_their_next_request(tmp_path):
    """Three of them, each 40 ms and more apart: what each asked after its pause is the only thing that can have been on the way."""
    with server(tmp_path, "--ms", "5") as endpoint:
        found = load(tmp_path, endpoint, users=3, requests=60, think=Think(mean=0.04), output_tokens=Span(least=1, most=4))
    kept = rows(tmp_path)
    answered = [sum(other["end_s"] + 0.04 <= row["sent_s"] for other in kept) for row in kept]
    # All but the first of each user follow an answer that is 40 ms old, each another one; two answers belonged to the warm-up.
    assert all(count >= at - 4 for at, count in enumerate(answered))
    assert found.value("requests_per_s") < 3 / 0.045
    assert {row["tokens"] for row in kept} == {1, 2, 3, 4}
    assert found.value("errors") == 0


def test_each_step_of_a_ramp_has_the_numbers_of_its_own_requests(tmp_path):
    ramp = (Step(rate=20, lasts=1.0, requests=20), Step(rate=80, lasts=1.0, requests=80))
    with server(tmp_path, "--ms", "5") as endpoint:
        found = load(tmp_path, endpoint, requests=100, arrivals=Arrivals(ramp=ramp), slo=Objective(latency=30.0))
    kept = rows_by_number(tmp_path)
    expected = ramp_s([(20, 1.0, 20), (80, 1.0, 80)], "poisson", "0 s arrivals")
    assert [row["intended_s"] for row in kept] == pytest.approx([at - expected[0] for at in expected], abs=1e-6)
    first = [row["end_s"] - row["intended_s"] for row in kept[:20]]
    assert sorted(found.evidence["step1_latency_p95"].samples) == pytest.approx(sorted(first))
    assert len(found.evidence["step2_latency_p50"].samples) == 80
    assert (found.value("step1_errors"), found.evidence["step2_slo_attainment"].of) == (0, 80)
    (tried,) = json.loads((found.out / "generator.json").read_text())["tries"]
    assert [requests for requests, _ in tried["steps"]] == [20, 80]
