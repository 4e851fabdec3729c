"""Lies told to a load test, or by it: Locust for real, against servers and with generators that do not do what they say.

Bounds on the generator's own delays are lifted where they are not the lie: a busy machine is no defect of the generator.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from ryot.plugins import Endpoint, NodeError
from ryot.stages.bench import audit, work
from ryot.stages.bench import generator as generator_module
from ryot.stages.bench.orders import Orders, body
from ryot.stages.bench.stage import Arrivals
from tests.gateway.conftest import Server, gateway
from tests.lies.judged import statuses
from tests.stages.bench.test_openloop import server as timed_server
from tests.stages.bench.test_work import load, server

__all__ = ["gateway"]
pytestmark = pytest.mark.e2e
HONEST = "from ryot.stages.bench.locustfile import *\nfrom ryot.stages.bench import connection, round\n"
MISSING_LINES = (
    "keep, asked = round.Round.keep, []\n"
    + """
def forgetful(self, number, outcome):
    asked.append(number)
    written = self.file.tell()
    keep(self, number, outcome)
    if len(asked) > 50:
        self.file.seek(written)
        self.file.truncate()
round.Round.keep = forgetful
"""
)
CUT_LINE = """
summary = round.Round.summary
def cutting(self, count):
    self.file.flush()
    self.file.truncate(self.file.tell() - 12)
    return summary(self, count)
round.Round.summary = cutting
"""
CLOCK_SET = """
import time
honest, reads = time.time_ns, []
def jumping():
    reads.append(1)
    return honest() + (10 * 10**9 if len(reads) > 40 else 0)
time.time_ns = jumping
"""
CLOCK_BACK = """
keep = round.Round.keep
def backwards(self, number, outcome):
    keep(self, number, outcome._replace(end_ns=outcome.sent_ns - 1_000_000) if number == 20 else outcome)
round.Round.keep = backwards
"""
CACHED = 'connection._HEAD = connection._HEAD.replace("Cache-Control: no-cache\\r\\n", "")\n'


@pytest.fixture(autouse=True)
def quiet_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "LEAST_LAG_S", 1.0)
    monkeypatch.setattr(work, "TRIES", 1)


@pytest.fixture
def generator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Call it with a lie, in Python, that Locust's process tells from then on."""

    def tell(lie: str) -> None:
        (tmp_path / "lying.py").write_text(HONEST + lie)
        monkeypatch.setattr(generator_module, "_LOCUSTFILE", tmp_path / "lying.py")

    return tell


@contextmanager
def at_sample(folder: Path, count: int, act: Callable[[int], None]) -> Any:
    """Do something to Locust's process, by its pid, when so many samples are written."""
    samples = folder / "node" / "scratch" / "samples.jsonl"

    def wait() -> None:
        while not (samples.exists() and samples.read_bytes().count(b"\n") >= count):
            time.sleep(0.01)
        (pid,) = [child.pid for child in psutil.Process().children() if "locust" in child.cmdline()]
        act(pid)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    yield
    thread.join()


def refused(folder: Path, endpoint: Endpoint, words: str, **fields: Any) -> None:
    """The node fails, so that every target on it is ERROR."""
    with pytest.raises(NodeError, match=words):
        load(folder, endpoint, **fields)


def test_a_generator_at_the_limit_of_its_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Users that cannot draw their prompts as fast as the server answers: the numbers would be those of the generator."""
    monkeypatch.setattr(audit, "LEAST_LAG_S", 0.005)
    with timed_server(tmp_path, "--ms", "0") as endpoint:
        refused(tmp_path, endpoint, "it was the bottleneck|woke up", users=4, batch=8, prompt_tokens=2000, requests=100)


def test_a_generator_that_is_killed_midway(tmp_path: Path) -> None:
    with server(tmp_path, "--delay-ms", "10") as endpoint, at_sample(tmp_path, 30, lambda pid: os.kill(pid, signal.SIGKILL)):
        refused(tmp_path, endpoint, "exit code -9 before all requests were made")


def test_a_generator_that_never_comes_to_an_end(tmp_path: Path, generator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """locust#3043, #2095: users were never all there, and the run went on for ever."""
    monkeypatch.setattr(work, "_SLACK_S", 3.0)
    generator("import time\ntime.sleep(600)\n")
    with server(tmp_path) as endpoint:
        refused(tmp_path, endpoint, "Locust did not come to an end", timeout=0.05)


def test_an_open_loop_whose_generator_came_late(tmp_path: Path) -> None:
    def stall(pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(1.0)
        os.kill(pid, signal.SIGCONT)

    arrivals = Arrivals(rate=60, distribution="constant")
    with timed_server(tmp_path, "--ms", "5") as endpoint, at_sample(tmp_path, 20, stall):
        refused(tmp_path, endpoint, r"p99 of the schedule delay is \d", requests=100, arrivals=arrivals)


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        pytest.param(MISSING_LINES, r"60 requests were ordered, \d+ samples kept", id="lines are missing"),
        pytest.param(CUT_LINE, "samples cannot be read", id="the last line is cut"),
        pytest.param(CLOCK_BACK, "1 requests ended before they were sent", id="one ends before it begins"),
    ],
)
def test_samples_that_were_lost_or_made_up(tmp_path: Path, generator: Any, lie: str, words: str) -> None:
    generator(lie)
    with server(tmp_path, "--delay-ms", "5") as endpoint:
        refused(tmp_path, endpoint, words)


def test_a_server_that_counts_other_than_it_answers(tmp_path: Path) -> None:
    with server(tmp_path, "--miscount", "--delay-ms", "5") as endpoint:
        refused(tmp_path, endpoint, "the server finished 128 prompts, the generator got 64 answers")


def test_answers_with_fewer_tokens_than_asked_and_failures_that_are_quick(tmp_path: Path) -> None:
    """Both come sooner than right answers do, and flatter no number."""
    with server(tmp_path, "--skimp-every", "4", "--fail-every", "3", "--delay-ms", "20") as endpoint:
        found = load(tmp_path, endpoint, output_tokens=4, timeout=5.0, warmup=0)
    targets = ["errors == 0", "success_rate >= 90%", "latency_p95 < 1s", "tokens_per_s > 150tokens/s"]
    assert statuses(found, targets) == ["FAIL"] * 4
    assert (found.out / "errors.json").read_text() == '{\n "HTTP 500": 20,\n "wrong number of tokens": 10\n}\n'


def test_a_clock_of_the_day_that_is_set_under_load(tmp_path: Path, generator: Any) -> None:
    """Ten seconds ahead, an answer would have come ten seconds before it was asked for. The numbers stay as they are."""
    generator(CLOCK_SET)
    with server(tmp_path, "--delay-ms", "20") as endpoint:
        found = load(tmp_path, endpoint)
    assert min(found.evidence["latency_p95"].samples) >= 0.020
    assert statuses(found, ["latency_p95 < 15ms", "latency_p50 < 20ms"]) == ["FAIL", "FAIL"]


def test_a_cache_that_answers_for_the_model(tmp_path: Path, generator: Any, gateway: Any) -> None:
    """The gateway has kept every answer that will be asked for. The bench passes it by; a generator that did not would be found out."""
    with server(tmp_path, "--delay-ms", "10") as engine:
        front: Server = gateway(type("Engine", (), {"url": engine.url}), model="m", vocab_size=512)
        endpoint = Endpoint(front.url, "m", {"memory": {"all": 1}, "engines": [engine.url]})
        orders = Orders(front.url, "m", "s", 1, 60, 4, 1, 32, 1, 60.0, 512, 0, "", "")
        for number in range(64):
            assert front.ask("/v1/completions", body(orders, number))[0] == 200
        assert front.ask("/v1/completions", body(orders, 63))[2]["x-cache"] == "hit"
        found = load(tmp_path, endpoint)
        assert min(found.evidence["latency_p50"].samples) >= 0.010
        generator(CACHED)
        refused(tmp_path, endpoint, "the server finished 0 prompts, the generator got 64 answers")
