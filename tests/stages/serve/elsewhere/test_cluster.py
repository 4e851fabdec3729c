"""Engines on the two nodes of a real Ray cluster, behind a gateway here."""

import json
import os
import signal
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from ryot.plugins import NodeError
from ryot.plugins.testing import run_service
from ryot.stages.serve.stage import ServeConfig, ServeService
from tests.generator.conftest import make

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def gpt(tmp_path_factory) -> Path:
    return make("ryot-tiny", tmp_path_factory.mktemp("gpt"))


def config(address: str, **more: object) -> ServeConfig:
    return ServeConfig(engine="transformers", context=64, kv_cache=8 << 20, threads=1, cluster=True, ray=address, **more)


def ask(url: str, path: str, body: object = None):
    data = json.dumps(body).encode() if body else None
    with urllib.request.urlopen(urllib.request.Request(url + path, data, {"content-type": "application/json"}), timeout=60) as answer:
        return json.load(answer)


def guests() -> list[psutil.Process]:
    """Guests of a cluster, and what they keep."""
    found = []
    for process in psutil.process_iter():
        try:
            if "ryot.stages.serve.elsewhere.guest" in process.cmdline():
                found += [process, *process.children(recursive=True)]
        except psutil.Error:
            continue
    return found


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=30)[1]


def test_two_engines_on_two_nodes_one_lost_and_all_gone_afterwards(gpt, ray_cluster, tmp_path):
    with run_service(ServeService(), config(ray_cluster, replicas=2), tmp_path / "serve", inputs={"model": gpt}) as endpoint:
        kept = guests()
        parents = {process.pid for process in kept if process.cmdline()[-4:-3] == ["ryot.stages.serve.elsewhere.guest"]}
        assert len(parents) == 2
        assert endpoint.info["pids"] == []
        told = ask(endpoint.url, "/infer", {"tokens": [[5, 9], [30]], "batch_size": 2, "k": 3})
        assert [len(each) for each in told["predictions"]] == [3, 3]
        assert ask(endpoint.url, "/health")["replicas"] == {"living": 2, "all": 2}
        os.kill(min(parents), signal.SIGKILL)  # as when its machine is lost
        deadline = time.monotonic() + 60
        while ask(endpoint.url, "/health")["replicas"]["living"] == 2:
            assert time.monotonic() < deadline
        one = {"model": "model", "prompt": [5, 9], "max_tokens": 3, "temperature": 0, "ignore_eos": True}
        assert ask(endpoint.url, "/v1/completions", one)["usage"]["completion_tokens"] == 3
    assert gone(kept)


@pytest.mark.parametrize(("more", "why"), [
    ({"threads": 5}, r"the Ray cluster has 2 CPU, and an engine takes 5"),
    ({"ray": "127.0.0.1:1"}, r"cannot join the Ray cluster 127.0.0.1:1"),
])  # fmt: skip
def test_no_room_and_no_cluster_are_told(gpt, ray_cluster, tmp_path, more, why):
    wanted = config(ray_cluster).model_copy(update=more)
    with pytest.raises(NodeError, match=why), run_service(ServeService(), wanted, tmp_path / "serve", inputs={"model": gpt}):
        pass
