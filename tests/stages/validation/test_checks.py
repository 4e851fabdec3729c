"""What the checks say of a server that is not as it should be. A real gateway stands before engines that compute nothing."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import Endpoint, NodeError, digest_file
from ryot.plugins.testing import context_in
from ryot.stages.serve.client import Answer, Ask, load, once, together
from ryot.stages.serve.stage import GatewayConfig, ServeConfig
from ryot.stages.validation.stage import ValidationConfig, ValidationStage
from tests.gateway.conftest import Server, engine, gateway  # noqa: F401 - fixtures

pytestmark = pytest.mark.heavy
Start = Callable[..., Server]
SERVE = ServeConfig(context=128, max_concurrency=8)


@pytest.fixture
def site(tmp_path: Path, engine: Start, gateway: Start) -> Callable[..., Any]:  # noqa: F811
    """Call it, with fields of the config, for a site before a gateway with one engine."""
    from ryot.stages.validation.site import Site  # noqa: PLC0415 - only the heavy tests load torch

    def make(*, url: str = "", engines: int = 1, **fields: Any) -> Any:
        behind = engine()
        front = gateway(behind, vocab_size=300) if not url else None
        given = {"prompts": 20, "requests": 100, "clients": 2, "single": 5.0, "serve": SERVE, "vocab_size": 300} | fields
        info = {"engines": [behind.url] * engines, "pids": [behind.process.pid], "gateway_pid": os.getpid(), "dtype": "fp32"}
        inputs = {"package": tmp_path / "package", "model": checkpoint(tmp_path / "model")}
        context = context_in(tmp_path, ValidationStage(), [], inputs=inputs)
        return Site(ValidationConfig(**given), context, Endpoint(url or front.url, "model", info), [[5, 6, 7]] * 20)

    return make


@pytest.fixture
def liar() -> Iterator[Callable[[int, bytes], str]]:
    """Call it for the address of a server that gives one answer to everything."""
    servers = []

    def start(status: int, body: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_DELETE = do_POST

            def log_message(self, *args: object) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def checkpoint(folder: Path) -> Path:
    """The least that is a model folder: no template for chats."""
    folder.mkdir(exist_ok=True)
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"1234")
    (folder / "config.json").write_text('{"max_position_embeddings": 128}')
    return folder


def answer(status: int = 200, body: object = None, seconds: float = 0.01) -> Answer:
    return Answer(status, json.dumps({"predictions": [[0.5]]} if body is None else body).encode(), {}, 1.0, 1.0 + seconds)


def test_a_gateway_that_is_well_passes_what_needs_no_model(site: Any) -> None:
    from ryot.stages.validation import inference, server  # noqa: PLC0415

    here = site()
    for check in (server.health, server.counted, server.cache, inference.invalid_input, inference.single_request, inference.batches):
        assert check(here).status == "passed", check(here)


def test_a_server_that_takes_everything_is_refuted(site: Any, liar: Any) -> None:
    from ryot.stages.validation import inference, server  # noqa: PLC0415

    here = site(url=liar(200, b'{"predictions": [[0.5]], "ids": [[1]], "status": "healthy"}'))
    checks = (server.endpoints, server.health, server.cache, server.counted, inference.invalid_input, inference.batches)
    found = {check.__name__: check(here) for check in checks}
    assert {name: finding.status for name, finding in found.items()} == dict.fromkeys(found, "failed")
    assert all(finding.reason for finding in found.values())


def test_a_server_that_refuses_everything_is_refuted(site: Any, liar: Any) -> None:
    from ryot.stages.validation import deployment, inference, infrastructure, server  # noqa: PLC0415

    here = site(url=liar(503, b"no"))
    checks = (inference.single_request, inference.batches, infrastructure.batch_size_tuning, deployment.concurrent_requests)
    assert {check(here).status for check in (*checks, server.endpoints, server.health)} == {"failed"}
    with pytest.raises(NodeError, match="/metrics"):
        server.counted(here)


def test_a_slow_single_request_is_refuted(site: Any) -> None:
    from ryot.stages.validation import inference  # noqa: PLC0415

    found = inference.single_request(site(single=1e-6))
    assert found.status == "failed"
    assert found.evidence["p95_bound_s"] > found.evidence["allowed_s"]


def test_an_engine_that_is_missing_is_seen_in_health(site: Any) -> None:
    from ryot.stages.validation import server  # noqa: PLC0415

    assert server.health(site(engines=2)).status == "failed"


def test_what_an_engine_does_not_say_of_its_cache_is_not_shown(site: Any) -> None:
    from ryot.stages.validation import infrastructure  # noqa: PLC0415

    assert infrastructure.memory_preallocation(site()).status == "not_shown"


def test_a_cache_that_is_off_is_not_shown(site: Any) -> None:
    from ryot.stages.validation import server  # noqa: PLC0415

    off = SERVE.model_copy(update={"gateway": GatewayConfig(cache=0)})
    assert server.cache(site(serve=off)).status == "not_shown"


def test_memory_that_grows_and_answers_that_are_none_are_refuted(site: Any) -> None:
    from ryot.stages.validation import inference  # noqa: PLC0415

    here, steady, growing = site(), [100] * 40, list(range(100, 140))
    assert inference.memory_stable(here, inference.Loaded([answer()] * 40, steady)).status == "passed"
    assert inference.memory_stable(here, inference.Loaded([answer()] * 40, growing)).status == "failed"
    assert inference.concurrency(here, inference.Loaded([answer()] * 40, steady)).status == "passed"
    for odd in (answer(500), answer(body={}), answer(body={"predictions": [[float("nan")]]}), answer(body={"predictions": []})):
        assert inference.concurrency(here, inference.Loaded([answer(), odd], steady)).status == "failed"


def test_shares_that_are_uneven_are_refuted_and_one_engine_shows_nothing(site: Any) -> None:
    from ryot.stages.validation import deployment  # noqa: PLC0415
    from ryot.stages.validation.site import Stand  # noqa: PLC0415

    here, stand = site(), Stand("", None, ["a", "b"], 0, None, "no room")  # type: ignore[arg-type]
    assert deployment.load_balancing(here, stand, [answer()] * 10, [95, 105]).status == "passed"
    assert deployment.load_balancing(here, stand, [answer()] * 10, [85, 115]).status == "failed"
    assert deployment.load_balancing(here, stand, [answer()] * 10, [0, 0]).status == "failed"
    assert deployment.load_balancing(here, stand, [answer(502)], [50, 50]).status == "failed"
    assert deployment.failover(here, stand)[0].status == "not_shown"
    even, two = deployment.load_balancing(here, stand, [answer()] * 10, [95, 105]), SERVE.model_copy(update={"replicas": 2})
    assert deployment.as_specified(here, even).status == "not_shown"
    assert deployment.as_specified(site(serve=two), even).status == "passed"
    alone = Stand("", None, ["a"], 0, None, "no room")  # type: ignore[arg-type]
    assert deployment.load_balancing(here, alone, [answer()] * 10, [100]).status == "not_shown"


def test_promises_without_errors_are_refuted(site: Any) -> None:
    from ryot.stages.validation import readiness  # noqa: PLC0415

    both = ("bench.a/latency_p95 < 50ms", "bench.a/errors == 0")
    assert readiness.service_levels(site(promises=both)).status == "passed"
    assert "errors" in readiness.service_levels(site(promises=both[:1])).reason
    assert readiness.service_levels(site()).status == "failed"


def test_a_package_that_asks_for_what_the_server_has_not_or_was_changed_is_refuted(site: Any) -> None:
    from ryot.stages.validation import readiness  # noqa: PLC0415

    here = site()
    package = here.context.inputs["package"]
    for name, text in {
        "prometheus/rules.yaml": "- alert: A\n  expr: ryot_requests_total > ryot_queue_seconds_bucket",
        "grafana/board.json": '{"expr": "ryot_replica_up"}',
        "RUNBOOK.md": "# It\n\n## Start\n\n## New version, and back\n",
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    (package / "digests.txt").write_text(f"{digest_file(package / 'RUNBOOK.md')}  RUNBOOK.md\n")
    checks = (readiness.monitoring_and_alerts, readiness.deployment_document, readiness.rollback_document)
    assert [check(here).status for check in checks] == ["passed"] * 3
    (package / "prometheus/rules.yaml").write_text("- alert: A\n  expr: ryot_invented_total > 1")
    (package / "RUNBOOK.md").write_text("# It\n\n## Start\n")
    found = [check(here) for check in checks]
    assert [finding.status for finding in found] == ["failed"] * 3
    assert "ryot_invented" in found[0].reason
    assert "RUNBOOK.md" in found[1].reason
    shutil.rmtree(package)
    here.context.inputs.pop("package")
    assert [check(here).status for check in checks] == ["not_shown"] * 3


def test_tokens_of_another_model_are_wrong() -> None:
    from ryot.stages.validation.reference import Token  # noqa: PLC0415

    assert not Token(0.5, 0.5, 0.5).wrong(1e-3)
    assert not Token(0.3999, 0.3999, 0.4).wrong(1e-3)  # as good as the best
    assert Token(0.5, 0.1, 0.5).wrong(1e-3)
    assert Token(0.5, 0.1, 0.5).difference == pytest.approx(0.4)


def test_a_sum_over_two_ranks_is_right(site: Any) -> None:
    from ryot.stages.validation import infrastructure  # noqa: PLC0415

    found = infrastructure.all_reduce(site(), 2)
    assert found.status == "passed"
    assert (found.evidence["ranks"], found.evidence["backend"]) == (2, "gloo")


def test_a_check_that_cannot_be_carried_out_has_failed() -> None:
    from ryot.stages.validation.work import _found  # noqa: PLC0415

    def gone() -> Any:
        raise NodeError("the server is gone")

    name, finding = _found("health", gone)
    assert (name, finding.status, finding.reason) == ("health", "failed", "the server is gone")


def test_clients_give_every_answer_in_order_and_say_what_went_wrong(liar: Any) -> None:
    url, seen = liar(200, b"{}"), []
    asked = [Ask(f"/{number}", {}) for number in range(20)]
    assert [each.status for each in load(url, asked, 3, seen.append)] == [200] * 20
    assert seen == list(range(1, 21))
    assert [each.status for each in together(url, asked[:5])] == [200] * 5
    lost = once("http://127.0.0.1:1", Ask("/"))
    assert (lost.status, lost.json) == (0, {})
    assert b"ConnectionRefusedError" in lost.body
