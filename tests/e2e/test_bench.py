"""`ryot bench` with the transformers engine, on an export that was put into the store: every way in which it is used."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ryot.cli.request import resolve
from ryot.store import store as stores
from ryot.store.record import Record
from ryot.store.store import Store
from tests.generator.conftest import make

pytestmark = pytest.mark.e2e
MARK = "RYOT_BENCH_TEST"
SPEC = """
version: 1
name: loaded
model: {preset: ryot-tiny, vocab_size: 300, context: 128}
data: {sources: [{generate: {examples: 100}}]}
train: {batch_size: 2, steps: 1}
export: {}
serve: {engine: transformers, kv_cache: 32MiB, max_concurrency: 8}
bench:
  scenarios:
    single: {users: 1, requests: 200, prompt_tokens: 8, warmup: 3}
    pair: {users: 2, requests: 60, prompt_tokens: 8, warmup: 3}
targets:
  - bench.single/errors == 0
  - bench.single/server_memory > 10MiB
  - {measure: bench.single/gpu_memory, at_most: 1GiB, priority: should}
  - bench.pair/latency_p50 < 10s
"""


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec, beside the store that holds its finished export."""
    folder = tmp_path_factory.mktemp("bench")
    path = folder / "spec.yaml"
    path.write_text(SPEC)
    root = folder / "store"
    node = resolve(path, None, (), (), root).plan.node("export")
    kept = Store(root).folder(node.stage, node.key)
    stores.prepare(kept)
    make("ryot-tiny", kept / "out")
    text = stores.evidence_text({})
    record = Record(
        node=node.name, stage=node.stage, key=node.key, payload=node.payload, measures=node.measures, evidence=stores.digest_text(text),
        files=stores.digest_out(kept), seconds=1.0, device="cpu", host="here", finished="2026-01-01T00:00:00+00:00", ryot="0",
    )  # fmt: skip
    stores.commit(kept, record, text)
    return path


class Started:
    """A ryot that runs, with what it says."""

    def __init__(self, log: Path, arguments: list[str]) -> None:
        self.mark, self.log = uuid.uuid4().hex, log
        environment = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
        with log.open("wb") as file:
            argv = [sys.executable, "-m", "ryot.cli.main", *arguments]
            self.process = subprocess.Popen(argv, stdout=file, stderr=file, env=environment | {MARK: self.mark})

    def says(self, pattern: str, limit_s: float = 120) -> str:
        """Wait until it says that; returns the group."""
        wait_for(lambda: re.search(pattern, self.log.read_text()) or self.process.poll() is not None, limit_s)
        found = re.search(pattern, self.log.read_text())
        assert found, self.log.read_text()
        return found[1]

    def left(self) -> list[psutil.Process]:
        """The processes that it started and that live, itself among them."""
        return [process for process in psutil.process_iter() if _marked(process, self.mark)]


def _marked(process: psutil.Process, mark: str) -> bool:
    try:
        return bool(process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def wait_for(what: Callable[[], Any], limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.fixture
def ryot(spec: Path, tmp_path: Path) -> Iterator[Callable[..., Started]]:
    """Call it to start a verb on the spec; whatever is left at the end is ended."""
    started: list[Started] = []

    def start(verb: str, *options: str) -> Started:
        arguments = [verb, str(spec), *options, "--store", str(spec.parent / "store")]
        started.append(Started(tmp_path / f"{len(started)}.log", arguments))
        return started[-1]

    yield start
    for one in started:
        for process in one.left():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        one.process.wait()


def ask(url: str, **form: object) -> Any:
    data = urllib.parse.urlencode(form).encode() if form else None
    with urllib.request.urlopen(url, data, timeout=60) as answer:
        text = answer.read().decode()
    return json.loads(text) if text.startswith("{") else text


def test_a_server_that_is_up_is_loaded_searched_and_shown(ryot: Callable[..., Started]) -> None:
    served = ryot("serve", "--port", "0")
    url = served.says(r"serving loaded at (\S+):")
    for _ in range(2):  # the second load asks other prompts, else the cache would answer and the counts not agree
        _is_judged(ryot("bench", "single", "--url", url))
    _is_searched(ryot("bench", "pair", "--url", url, "--find-max", "--within", "1s"))
    _is_shown(ryot("bench", "single", "--url", url, "--ui"))
    assert served.process.poll() is None
    assert ask(f"{url}/health")["status"] == "healthy"


def _is_judged(loaded: Started) -> None:
    assert loaded.process.wait(180) == 0, loaded.log.read_text()
    said = loaded.log.read_text()
    assert "Achieved: 2 of 2 must-targets PASS" in said
    assert "bench.single/gpu_memory was not measured: " in said or "bench.single/gpu_memory <= 1GiB" in said
    assert "bench.pair" not in said


def _is_searched(loaded: Started) -> None:
    assert loaded.process.wait(180) == 0, loaded.log.read_text()
    found = json.loads(Path(loaded.says(r"every try, with its evidence: (\S+)")).read_text())
    assert (found["highest"], found["ended"], len(found["steps"])) == (2, "time", 1)
    assert len(found["steps"][0]["measures"]["latency_p50"]["samples"]) == found["steps"][0]["requests"]
    assert "At 2 users the server meets" in loaded.log.read_text()


def _is_shown(shown: Started) -> None:
    page = shown.says(r"is at (http://127\.0\.0\.1:\d+); Ctrl-C ends it")
    assert "Locust" in ask(page)
    for _ in range(2):
        assert ask(f"{page}/swarm", user_count=2, spawn_rate=2)["success"]
        wait_for(lambda: ask(f"{page}/stats/requests")["stats"][-1]["num_requests"] > 100, 60)
        assert ask(f"{page}/stats/requests")["errors"] == []
        assert ask(f"{page}/stop", now=True)["success"]
    shown.process.send_signal(signal.SIGINT)
    assert shown.process.wait(60) == 0, shown.log.read_text()
    assert shown.left() == []


def test_a_server_of_its_own_comes_up_and_ends_with_it(ryot: Callable[..., Started]) -> None:
    loaded = ryot("bench", "single", "--json")
    _ends_well(loaded, 0)
    assert '"bench.single/errors == 0"' in loaded.log.read_text()
    stopped = ryot("bench", "single", "pair")
    stopped.says(r"(ready) +serve")
    stopped.process.send_signal(signal.SIGINT)
    _ends_well(stopped, 130)


def _ends_well(loaded: Started, code: int) -> None:
    assert loaded.process.wait(180) == code, loaded.log.read_text()
    assert loaded.left() == []
