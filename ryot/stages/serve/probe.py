"""Questions to a live server. Ready means that a token came out of it: an open port and /health prove nothing."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Mapping
from contextlib import closing
from types import MappingProxyType
from urllib.parse import urlsplit

import psutil

_SAMPLE = re.compile(r"^([a-z_]\w*(?:\{[^}]*\})?) (\S+)$", re.MULTILINE)


def token_came(url: str, model: str, timeout_s: float) -> bool:
    """Whether the server at `url` generated one token for a one-token prompt within `timeout_s` seconds. It is asked with its probability,
    for which vLLM compiles a function (2.4 s on two cores), so that the first client does not wait for that."""
    body = {"model": model, "prompt": [[1]], "max_tokens": 1, "temperature": 0, "logprobs": 1}
    answer = _ask(url, "POST", "/v1/completions", timeout_s, body)
    usage = answer.get("usage") if answer else None
    return isinstance(usage, dict) and usage.get("completion_tokens") == 1


def engine_version(url: str) -> str:
    """What the server says of its version; empty where it says nothing."""
    answer = _ask(url, "GET", "/version", 10.0)
    return str(answer.get("version", "")) if answer else ""


def _ask(url: str, method: str, path: str, timeout_s: float, body: object = None) -> dict[str, object] | None:
    """The JSON object that a request is answered with; None for every other outcome."""
    try:
        status, text = exchange(url, method, path, timeout_s, body)
        answer = json.loads(text) if status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    return answer if isinstance(answer, dict) else None


def exchange(
    url: str, method: str, path: str, timeout_s: float, body: object = None, headers: Mapping[str, str] = MappingProxyType({})
) -> tuple[int, bytes]:
    """Status and body of the answer to one request on a connection of its own. Raises OSError or HTTPException where there is none."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout_s)) as connection:
        data = json.dumps(body) if body is not None else None
        connection.request(method, path, data, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        return response.status, response.read()


def samples(text: str) -> dict[str, float]:
    """Prometheus' text: the numbers by name and labels, as they stand there."""
    return {name: float(value) for name, value in _SAMPLE.findall(text)}


def resident(pid: int) -> int:
    """Bytes of memory of a process and its children. Raises psutil.NoSuchProcess."""
    process = psutil.Process(pid)
    return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))


def hold_port(host: str) -> socket.socket:
    """A free port, held. No other program is given it while the socket is open, and a server that sets SO_REUSEADDR, as vLLM does,
    may still bind and listen on it, because a socket that is bound but does not listen does not hinder another (Linux, ip(7))."""
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind((host, 0))
    return held
