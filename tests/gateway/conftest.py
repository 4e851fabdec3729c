"""Engines and gateways as processes of their own, on free ports, ended with the test."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ENGINE = Path(__file__).parent / "engine.py"
SETTINGS = {"model": "model", "digest": "d", "context": 128, "vocab_size": 9000, "probe_every": 0.2, "probe_timeout": 5.0}


@dataclass
class Server:
    """A process that listens on a port of the loopback."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, body: Any = None, method: str | None = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        """Status, body (from JSON where it is), and headers of an answer on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method or ("GET" if body is None else "POST"), path, data, {"content-type": "application/json"} | given)
            response = connection.getresponse()
            found = response.read()
        finally:
            connection.close()
        told = {name.lower(): value for name, value in response.getheaders()}
        return response.status, json.loads(found) if told.get("content-type") == "application/json" and found else found, told

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def engine() -> Iterator[Callable[..., Server]]:
    """Call it to start a fake engine; `delay` and `gap` are seconds."""
    started = []

    def start(port: int = 0, **options: float) -> Server:
        argv = [
            sys.executable,
            str(ENGINE),
            "--port",
            str(port),
            *(part for name, value in options.items() for part in (f"--{name}", f"{value}")),
        ]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE)
        assert process.stdout is not None
        started.append(Server(process, int(process.stdout.readline())))
        return started[-1]

    yield start
    for server in started:
        server.end()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Call it with engines to start a gateway before them: `key` is its key, with `pipe` nobody reads its log, the rest are settings."""
    started = []

    def start(*engines: Any, key: str | None = None, pipe: bool = False, **settings: Any) -> Server:
        number = len(started)
        urls = [server.url for server in engines]
        (tmp_path / f"gateway-{number}.json").write_text(json.dumps(SETTINGS | {"replicas": urls} | settings))
        env = os.environ | ({"RYOT_API_KEY": key} if key else {})
        log = (tmp_path / f"gateway-{number}.log").open("wb")
        argv = [sys.executable, "-m", "ryot.gateway.main", str(tmp_path / f"gateway-{number}.json")]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE if pipe else log, stderr=log, env=env)
        if process.stdout:
            started.append(Server(process, _listening(process.stdout.readline())))
        else:
            started.append(Server(process, _port(tmp_path / f"gateway-{number}.log", process)))
        return started[-1]

    yield start
    for server in started:
        server.end()


def _port(log: Path, process: subprocess.Popen[bytes]) -> int:
    while process.poll() is None:
        first = log.read_text().partition("\n")
        if first[1]:
            return _listening(first[0])
    raise AssertionError(log.read_text())


def _listening(line: str | bytes) -> int:
    return int(json.loads(line)["listening"].rpartition(":")[2])


def completion(*tokens: int, **fields: Any) -> dict[str, Any]:
    """A request for a completion of some tokens."""
    return {"model": "model", "prompt": list(tokens) or [1, 2, 3], "max_tokens": 1} | fields
