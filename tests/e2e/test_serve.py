"""`ryot serve specs/tiny.yaml` with two real engines: what it answers, an engine that dies under load, and every way in which it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import psutil
import pytest

from tests.e2e import kill

pytestmark = pytest.mark.e2e
KEY = "tiny-key-canary"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the exported model."""
    folder = tmp_path_factory.mktemp("serve") / "store"
    done = ryot("apply", str(kill.TINY), "--store", str(folder), "--until", "export")
    assert done.returncode == 0, done.stderr
    return folder


def ryot(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "ryot.cli.main", *arguments], capture_output=True, text=True, check=False)


@dataclass
class Served:
    """A `ryot serve` that is up."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    mark: str
    store: Path

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=KEY, max_retries=0, timeout=60)

    def processes(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if _marked(process, self.mark)]

    def one(self, module: str) -> psutil.Process:
        """The first process that runs a module."""
        return next(process for process in self.processes() if module in process.cmdline())

    def engines(self) -> list[psutil.Process]:
        """The processes that a server of vLLM has spawned."""
        return [process for process in self.processes() if any("spawn_main" in part for part in process.cmdline())]


def _marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get("RYOT_SERVE_TEST") == mark
    except psutil.Error:
        return False


@pytest.fixture
def serve(store: Path, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Call it to serve; whatever is left at the end is ended."""
    started: list[Served] = []

    def start(*options: str, ready: bool = True, **environment: str) -> Served:
        mark, log = uuid.uuid4().hex, tmp_path / f"serve-{len(started)}.log"
        argv = [sys.executable, "-m", "ryot.cli.main", "serve", str(kill.TINY), "--store", str(store), "--port", "0", *options]
        with log.open("wb") as file:
            process = subprocess.Popen(argv, stdout=file, stderr=file, env=os.environ | environment | {"RYOT_SERVE_TEST": mark})
        served = Served(process, "", log, mark, store)
        started.append(served)
        if not ready:
            return served
        wait_for(lambda: "serving tiny at" in log.read_text() or process.poll() is not None, 300)
        found = re.search(r"serving tiny at (\S+):", log.read_text())
        assert found, log.read_text()
        served.url = found[1]
        return served

    yield start
    for served in started:
        for process in [*served.processes(), psutil.Process(served.process.pid)] if served.process.poll() is None else served.processes():
            process.kill()
        served.process.wait()


def wait_for(what: Callable[[], Any], limit_s: float, left: Callable[[], object] = str) -> None:
    deadline = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < deadline, f"it did not happen; {left()}"
        time.sleep(0.02)


def free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def metric(served: Served, name: str) -> float:
    asked = urllib.request.Request(f"{served.url}/metrics", headers={"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(asked) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def test_it_answers_survives_an_engine_and_drains(serve: Callable[..., Served]) -> None:
    served = serve("--set", "serve.replicas=2", RYOT_API_KEY=KEY)
    _answers(served)
    _one_engine_dies(served)
    _drains(served)


def _answers(served: Served) -> None:
    client = served.client()
    done = client.completions.create(model="model", prompt=[1, 2, 3], max_tokens=5, temperature=0)
    streamed = "".join(chunk.choices[0].text for chunk in client.completions.create(
        model="model", prompt=[1, 2, 3], max_tokens=5, temperature=0, stream=True))  # fmt: skip
    assert done.choices[0].text == streamed
    assert done.usage is not None
    assert done.usage.completion_tokens == 5
    body = json.dumps({"tokens": [[1, 2, 3], [4, 5]], "batch_size": 2, "k": 5}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    with urllib.request.urlopen(urllib.request.Request(f"{served.url}/infer", body, headers)) as answer:
        found = json.load(answer)
    assert [len(ids) for ids in found["ids"]] == [5, 5]
    assert all(0 < sum(shares) <= 1 + 1e-6 for shares in found["predictions"])
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{served.url}/v1", api_key="wrong", max_retries=0).models.list()
    assert KEY not in served.log.read_text()
    assert not any(KEY in part for process in served.processes() for part in process.cmdline())


def _one_engine_dies(served: Served) -> None:
    """No client sees an error: what had not begun is asked of the other one. The one that died is started again."""
    client, wrong, right, stop = served.client(), [], [], threading.Event()

    def ask(number: int) -> None:
        while not stop.is_set():
            try:
                client.completions.create(model="model", prompt=[number, len(right) % 300], max_tokens=4)
                right.append(number)
            except openai.APIError as error:
                wrong.append(repr(error))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(right) > 60, 60)
    served.one("vllm.entrypoints.openai.api_server").kill()
    after = len(right)
    wait_for(lambda: len(right) > after + 60, 60)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    wait_for(lambda: metric(served, "ryot_replica_up") == 1, 30)
    wait_for(lambda: "one of 2 replicas ended with exit code -9; 1 go on, and it is started again" in served.log.read_text(), 10)
    wait_for(lambda: metric(served, "ryot_replica_up") == 2, 180)


def _drains(served: Served) -> None:
    """SIGTERM with fifty requests in flight loses none."""
    client, found = served.client(), []
    threads = [
        threading.Thread(target=lambda n=n: found.append(client.completions.create(model="model", prompt=[n], max_tokens=40).usage))
        for n in range(50)
    ]
    before = metric(served, "ryot_generated_tokens_total")
    for thread in threads:
        thread.start()
    wait_for(lambda: metric(served, "ryot_sequences_running") + metric(served, "ryot_requests_waiting") >= 40 or len(found) > 5, 30)
    served.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    assert len(found) == 50
    assert before >= 0
    assert served.process.wait(60) == 0
    log = served.log.read_text()
    assert "draining: requests that run may end; a second signal ends at once" in log
    assert "drained: every request that was running has its answer" in log
    shown = ryot("status", "--store", str(served.store))
    assert "tiny-serve" not in shown.stdout
    wait_for(lambda: not served.processes() and free(served.port), kill.GONE_WITHIN_S)


def test_an_engine_that_starts_ends_where_all_that_would_end_it_is_killed_at_once(serve: Callable[..., Served]) -> None:
    """vLLM's own would wait for its server for minutes."""
    served = serve(ready=False)
    wait_for(served.engines, 300)
    others = [process for process in served.processes() if process not in served.engines()]
    for process in others:
        process.suspend()  # so that none acts upon another's end
    for process in others:
        process.kill()
    wait_for(lambda: not served.processes(), kill.GONE_WITHIN_S, lambda: [*map(kill.described, served.processes())])


@pytest.mark.parametrize("module", ["ryot.gateway.main", "ryot.cli.main"])
def test_kill_9_of_any_part_leaves_no_process_and_a_free_port(serve: Callable[..., Served], module: str) -> None:
    """Who ends the rest knows no engines, so that the one that starts sooner will do where it is not the victim."""
    served = serve("--set", "serve.engine=transformers")
    port = served.port
    served.one(module).kill()
    wait_for(lambda: not served.processes() and free(port), kill.GONE_WITHIN_S, lambda: [*map(kill.described, served.processes()), port])
    assert served.process.wait(5) == (-9 if module == "ryot.cli.main" else 4)
    if module != "ryot.cli.main":
        assert "ended by itself with exit code -9" in served.log.read_text()


def test_a_port_that_is_taken_is_said(store: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        done = ryot("serve", str(kill.TINY), "--store", str(store), "--port", str(held.getsockname()[1]))
    assert done.returncode == 3
    assert "Address already in use" in done.stderr


def test_a_public_address_needs_a_key(store: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ryot.cli.main", "serve", str(kill.TINY), "--store", str(store), "--host", "0.0.0.0"],  # noqa: S104
        capture_output=True, text=True, check=False, env={name: value for name, value in os.environ.items() if name != "RYOT_API_KEY"},
    )  # fmt: skip
    assert done.returncode == 2
    assert "set RYOT_API_KEY" in done.stderr
