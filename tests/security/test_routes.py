"""A gateway crawled by who has no key, and by who wants it or its engine to fetch an address."""

from __future__ import annotations

import itertools
import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ryot.cli.main import run
from tests.gateway.conftest import Server, completion
from tests.security.conftest import TINY

pytestmark = pytest.mark.heavy
Start = Callable[..., Server]
OWN = ("/health", "/metrics", "/v1/models", "/v1/models/model", "/openapi.json", "/v1/completions", "/v1/chat/completions", "/infer")
KNOWN = (
    "/invocations", "/generate", "/tokenize", "/detokenize", "/v1/embeddings", "/v1/responses", "/v1/messages", "/v1/rerank", "/rerank",
    "/score", "/pooling", "/classify", "/v1/audio/transcriptions", "/v1/load_lora_adapter", "/v1/unload_lora_adapter", "/sleep", "/wake_up",
    "/collective_rpc", "/reset_prefix_cache", "/start_profile", "/server_info", "/load", "/ping", "/version", "/docs", "/redoc", "/",
)  # fmt: skip
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")


def of_vllm() -> set[str]:
    """Every route that the installed vLLM has, read from its source."""
    spec = find_spec("vllm")
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()] if spec else []
    files = [file for folder in folders for file in (folder / "entrypoints").rglob("*.py")]
    route = re.compile(r"""@\w*(?:router|app)\.(?:get|post|put|delete|patch|api_route)\(\s*["'](/[^"'{]*)""")
    return {found for file in files for found in route.findall(file.read_text(errors="replace"))}


def spelt(path: str) -> tuple[str, ...]:
    """A path, and others that a careless comparison would take for it, or for /health."""
    return (
        path,
        f"{path}/",
        f"/{path}",
        f"{path}?a=/health",
        f"/health/..{path}",
        f"/health{path}",
        path.upper(),
        f"{path}%00",
        f"{path};/health",
    )


def asked(server: Server) -> int:
    return int(server.ask("/counts")[1]["asked"])


def test_without_the_key_only_health_answers_of_all_routes(engine: Start, gateway: Start) -> None:
    """vllm PR#29922, #18892, #58144: the key was asked for below /v1 only, and /invocations gave completions to everybody."""
    server = engine()
    front = gateway(server, key="s3cret-canary", probe_every=1000)
    routes = sorted({*OWN, *KNOWN, *of_vllm()})
    before = asked(server)
    for path in routes:
        for method in METHODS:
            found = front.ask(path, completion() if method in ("POST", "PUT", "PATCH") else None, method)[0]
            assert found == (401 if path != "/health" else 200 if method == "GET" else 405), (method, path)
        for other in spelt(path):
            assert front.ask(other, completion())[0] in ((401,) if path != "/health" else (401, 405)), other
    assert asked(server) == before


def test_with_the_key_nothing_but_its_own_routes_reaches_an_engine(engine: Start, gateway: Start) -> None:
    server = engine()
    front = gateway(server, key="s3cret-canary", probe_every=1000)
    before = asked(server)
    for path in sorted({*KNOWN, *of_vllm()} - {*OWN}):
        status, _, headers = front.ask(path, completion(), authorization="Bearer s3cret-canary")
        assert status == 404, path
        assert not [name for name in headers if name.startswith("access-control")]
    assert asked(server) == before


def test_no_page_of_another_site_may_ask(engine: Start, gateway: Start) -> None:
    """LLaMA-Factory: CORS `*`. No header allows another origin, and a preflight is refused."""
    front = gateway(engine())
    for method, body in (("OPTIONS", None), ("POST", completion())):
        status, _, headers = front.ask("/v1/completions", body, method, origin="https://evil.example", access_control_request_method="POST")
        assert status == (405 if method == "OPTIONS" else 200)
        assert not [name for name in headers if name.startswith("access-control")]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server on this machine that nobody may call."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.setblocking(False)
        yield server


def uncalled(listener: socket.socket) -> bool:
    try:
        listener.accept()
    except BlockingIOError:
        return True
    return False


def spellings(port: int) -> list[str]:
    """Ways to write an address of this machine, or of the metadata service of clouds."""
    hosts = (
        "127.0.0.1", "localhost", "LOCALHOST", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1",
        "0", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "localhost.", "127.0.0.1.nip.io",  # noqa: S104 - asked for, not bound
        "127.0.0.1%00.example.org", "example.org@127.0.0.1", "127.0.0.1#@example.org", "１２７.０.０.１", "ⓛocalhost", "127。0。0。1",
        "169.254.169.254", "[fd00:ec2::254]", "metadata.google.internal", "100.100.100.200",
    )  # fmt: skip
    addresses = [f"{scheme}://{host}:{port}/x.png" for host in hosts for scheme in ("http", "https")]
    others = (
        "file:///etc/passwd",
        f"ftp://127.0.0.1:{port}/",
        f"gopher://127.0.0.1:{port}/_x",
        f"//127.0.0.1:{port}/",
        "data:image/png;base64,AAAA",
    )
    return [*addresses, *others]


def test_no_spelling_of_an_address_makes_anything_fetch_it(engine: Start, gateway: Start, listener: socket.socket) -> None:
    """CVE-2025-6242: media URLs let a client reach what only the server may."""
    server = engine()
    front = gateway(server, probe_every=1000)
    before, fetched = asked(server), spellings(listener.getsockname()[1])
    assert len(fetched) >= 60
    kinds = itertools.cycle(("image_url", "video_url", "audio_url", "input_audio", "input_image", "file"))
    for url, kind in zip(fetched, kinds, strict=False):
        for part in ({"type": kind, kind: {"url": url}}, {"type": kind, kind: url}, {"type": "text", "text": "x", "image_url": url}):
            body: dict[str, Any] = {"model": "model", "messages": [{"role": "user", "content": [part]}]}
            assert front.ask("/v1/chat/completions", body)[0] == 400, (url, kind)
        for field in ("image", "url", "multi_modal_data", "mm_processor_kwargs", "lora_path", "prompt_embeds", "documents", "webhook"):
            assert front.ask("/v1/completions", completion() | {field: url})[0] == 400, field
    assert asked(server) == before
    said = {"model": "model", "messages": [{"role": "user", "content": fetched[0]}]}
    assert front.ask("/v1/chat/completions", said)[0] == 200  # as words it may be said
    assert uncalled(listener)


@pytest.mark.parametrize(
    "field", ["data.sources.0", "data.tokenizer", "data.filters.contamination.against", "evaluate.data.gsm8k", "finetune", "serve.up.url"]
)
def test_no_address_in_a_spec_is_fetched(field: str, listener: socket.socket, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/x.jsonl"
    values = {"data.filters.contamination.against": json.dumps([url]), "evaluate.data.gsm8k": url, "serve.up.url": url}
    value = values.get(field, json.dumps({"path": url}))
    for verb in ("validate", "plan"):
        assert run([verb, TINY, "--set", f"{field}={value}"]) in (2, 3)
    if field == "data.sources.0":
        assert run(["validate", TINY, "--set", f"data.sources.0={{hub: '{url}'}}"]) == 2
    assert uncalled(listener)
    assert "Traceback" not in capsys.readouterr().err
