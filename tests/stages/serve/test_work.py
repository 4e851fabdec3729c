"""Starting a server, against a program that stands in for vLLM: ready means a token, and an early end has a cause."""

import json
import os
import struct
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from ryot.plugins import NodeError, processes
from ryot.plugins.testing import context_in, run_service
from ryot.stages.bench.metrics import parse
from ryot.stages.serve.probe import hold_port
from ryot.stages.serve.stage import ServeConfig, ServeService

FAKE = Path(__file__).parents[2] / "fakes" / "fake_openai.py"


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A model folder, and a program `vllm.entrypoints.openai.api_server` that is the fake."""
    package = tmp_path / "path" / "vllm" / "entrypoints" / "openai"
    package.mkdir(parents=True)
    for folder in (package, *package.parents[:2]):
        (folder / "__init__.py").touch()
    (package / "api_server.py").write_text(f"import runpy\nrunpy.run_path({str(FAKE)!r}, run_name='__main__')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"n_positions": 128}))
    header = json.dumps({"w": {"dtype": "U8", "shape": [1000], "data_offsets": [0, 1000]}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"x" * 1000)
    return folder


def service(model, tmp_path, **fields):
    return run_service(ServeService(), ServeConfig(context=128, **fields), tmp_path / "node", inputs={"model": model})


def wait_for(what, limit_s=20.0):
    deadline = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def children():
    return [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


def test_an_endpoint_says_where_what_and_how_much(model, tmp_path):
    with service(model, tmp_path, kv_cache=1 << 20) as endpoint:
        assert endpoint.url.startswith("http://127.0.0.1:")
        assert endpoint.info["memory"] == {"weights": 1000, "kv_cache": 1 << 20}
        assert endpoint.info["version"] == "fake"
        assert all(map(psutil.pid_exists, (*endpoint.info["pids"], endpoint.info["gateway_pid"])))
    assert not children()


def test_a_server_that_answers_health_but_never_a_token_is_not_ready(model, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_OPENAI", "--never-ready")
    started = time.monotonic()
    with pytest.raises(NodeError, match="no token came out"), service(model, tmp_path, start_timeout=1.5):
        pass
    assert time.monotonic() - started < 10
    assert not children()


def test_an_early_end_is_told_with_its_cause_and_the_last_lines(model, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_OPENAI", "--die-at-start 'torch.OutOfMemoryError: CUDA out of memory'")
    with pytest.raises(NodeError, match=r"GPU ran out of memory\n.*CUDA out of memory") as caught, service(model, tmp_path):
        pass
    assert "serve.kv_cache" in caught.value.hint


def test_a_server_that_dies_while_it_answers_is_an_early_end(model, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_OPENAI", "--die-after 1")
    with pytest.raises(NodeError, match="exit code 3"), service(model, tmp_path):
        pass


def test_a_taken_port_is_tried_again_once(model, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_OPENAI", f"--die-once {tmp_path / 'died'}")
    with service(model, tmp_path) as endpoint:
        assert endpoint.url
    assert (tmp_path / "died").exists()


def test_a_checkpoint_with_a_shorter_context_is_refused_before_anything_starts(model, tmp_path):
    (model / "config.json").write_text(json.dumps({"n_positions": 64}))
    with pytest.raises(NodeError, match="64 tokens"), service(model, tmp_path):
        pass


def test_held_ports_are_never_handed_out_twice():
    held = [hold_port("127.0.0.1") for _ in range(200)]
    try:
        assert len({each.getsockname()[1] for each in held}) == 200
    finally:
        for each in held:
            each.close()


HOLD = """
from ryot.stages.serve.probe import hold_port
held = [hold_port("127.0.0.1") for _ in range(50)]
print(*(each.getsockname()[1] for each in held), flush=True)
input()
"""


def test_twenty_programs_at_once_hold_a_thousand_different_ports():
    """vllm#39015, verl#6677: two engines chose one port."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    programs = [subprocess.Popen([sys.executable, "-c", HOLD], **pipes) for _ in range(20)]
    ports = [port for program in programs for port in program.stdout.readline().split()]
    for program in programs:
        program.communicate("\n")
    assert len(ports) == len({*ports}) == 1000


def test_nothing_of_a_server_listens_to_the_network(model, tmp_path):
    """vllm#23052: all interfaces, and no key."""
    with service(model, tmp_path, replicas=2):
        below = psutil.Process().children(recursive=True)
        found = [each for child in below for each in child.net_connections("inet") if each.status == psutil.CONN_LISTEN]
        assert len(found) >= 3
        assert {each.laddr.ip for each in found} == {"127.0.0.1"}


def ask(url, body):
    request = urllib.request.Request(f"{url}/v1/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_two_engines_share_the_load_behind_one_address(model, tmp_path):
    with service(model, tmp_path, replicas=2) as endpoint:
        assert len(set(endpoint.info["engines"])) == len(set(endpoint.info["pids"])) == 2
        assert endpoint.info["memory"]["weights"] == 2000
        for number in range(20):
            assert ask(endpoint.url, {"model": "model", "prompt": [[number]], "max_tokens": 1})["usage"]["completion_tokens"] == 1
        counted = []
        for url in endpoint.info["engines"]:
            with urllib.request.urlopen(f"{url}/metrics") as answer:
                counted.append(parse(answer.read().decode()).finished)
        assert min(counted) >= 10  # and a probe or two each
    assert not children()


def test_a_gateway_that_cannot_listen_says_why(model, tmp_path):
    with hold_port("127.0.0.1") as held:
        held.listen()
        with (
            pytest.raises(NodeError, match=r"did not come to listen\n.*address already in use"),
            service(model, tmp_path, port=held.getsockname()[1]),
        ):
            pass
    assert not children()


SECRETS = ("RYOT_API_KEY", "VLLM_API_KEY", "HF_TOKEN", "WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "DB_PASSWORD",
           "OTEL_EXPORTER_OTLP_HEADERS")  # fmt: skip


def test_an_engine_that_prints_its_environment_has_no_secret_to_print(model, tmp_path, monkeypatch):
    """vllm PR#52523, PR#53625: keys and tokens were printed at the start and written to a file."""
    program = tmp_path / "path" / "vllm" / "entrypoints" / "openai" / "api_server.py"
    program.write_text("import os, sys\nprint('printed', sys.argv, dict(os.environ), flush=True)\n" + program.read_text())
    for name in SECRETS:
        monkeypatch.setenv(name, "s3cret-canary")
    monkeypatch.setenv("HTTPS_PROXY", "http://ana:s3cret-canary@127.0.0.1:9")
    monkeypatch.setenv("HARMLESS", "kept-canary")
    context, config = context_in(tmp_path / "node", ServeService(), [], inputs={"model": model}), ServeConfig(context=128, replicas=2)
    try:
        ServeService().start(config, context)
        context.replicas[0].kill()
        context.replicas[0].wait()
        assert ServeService().revive(config, context, 0)  # the one in its place is no exception
        again = tmp_path / "node" / "scratch" / "engine-0.log"
        wait_for(lambda: again.exists() and again.read_text().endswith("\n"))
    finally:
        processes.end_descendants(os.getpid())
    files = [path for path in (tmp_path / "node").rglob("*") if path.is_file()]
    told = {path.name: path.read_text(errors="replace") for path in files}
    assert "printed" in told["engine-0.log"]
    assert "kept-canary" in told["engine-0.log"]
    assert [name for name, text in told.items() if "s3cret-canary" in text] == []
