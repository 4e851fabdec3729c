"""Whatever bytes come: an error or a closed connection, and a gateway that is as well as before."""

from __future__ import annotations

import http.client
import json
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import psutil
import pytest

from tests.gateway.conftest import Server, completion

pytestmark = pytest.mark.heavy
Start = Callable[..., Server]
VALID = b"POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
CHUNKED = VALID.replace(b"content-length: %d", b"transfer-encoding: chunked")
BODY = b'{"model":"model","prompt":[1,2,3],"max_tokens":1}'
ODD = [
    b"", b"\r\n\r\n", b"\x00" * 300, b"GET", b"GET / HTTP/9.9\r\n\r\n", b"GET  /health HTTP/1.1\r\n\r\n", b"get /health http/1.1\r\n\r\n",
    b"GET /health HTTP/1.1\r\nhost localhost\r\n\r\n", b"GET /health HTTP/1.1\r\n: x\r\n\r\n", b"GET /health HTTP/1.1\r\nx: \x00\r\n\r\n",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"GET /health HTTP/1.1\r\n" + b"a: b\r\n" * 5000 + b"\r\n",
    b"GET /health HTTP/1.1\r\na: " + b"b" * 70_000 + b"\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"CONNECT example.org:443 HTTP/1.1\r\nhost: example.org\r\n\r\n", b"GET http://example.org/health HTTP/1.1\r\nhost: localhost\r\n\r\n",
    b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    VALID.replace(b"%d", b"-1") % BODY, VALID.replace(b"%d", b"99999999999999999999") % BODY, VALID.replace(b"%d", b"1e3") % BODY,
    VALID.replace(b"content-length: %d", b"content-length: 3\r\ncontent-length: 4") % BODY,
    VALID.replace(b"content-length: %d", b"content-length: 49\r\ntransfer-encoding: chunked") % BODY,
    VALID.replace(b"content-length: %d", b"transfer-encoding: gzip, chunked") % BODY,
    CHUNKED % b"zz\r\n", CHUNKED % b"ffffffffffffffff1\r\nx",
]  # fmt: skip


def garbage(draw: random.Random) -> bytes:
    """Bytes that look like a request, or nearly so, or not at all."""
    kind = draw.randrange(5)
    if kind == 0:
        return draw.choice(ODD)
    if kind == 1:
        return draw.randbytes(draw.randrange(1, 400))
    whole = bytearray(VALID % (len(BODY), BODY))
    if kind == 2:  # some bytes changed
        for _ in range(draw.randrange(1, 8)):
            whole[draw.randrange(len(whole))] = draw.randrange(256)
    elif kind == 3:  # cut
        del whole[draw.randrange(len(whole)) :]
    else:  # a part twice
        start = draw.randrange(len(whole))
        whole[start:start] = whole[start : start + draw.randrange(1, 60)]
    return bytes(whole)


def send(port: int, data: bytes, *, wait_s: float) -> bytes:
    """What is answered within `wait_s` seconds after all was sent; empty where the connection was closed without a word."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as connection:
        try:
            connection.sendall(data)
            connection.settimeout(wait_s)
            found = b""
            while part := connection.recv(65536):
                found += part
        except (TimeoutError, ConnectionError):
            return found if "found" in locals() else b""
        return found


def test_a_thousand_pieces_of_garbage_leave_it_well(engine: Start, gateway: Start) -> None:
    front = gateway(engine())
    draw, process = random.Random(11), psutil.Process(front.process.pid)
    front.ask("/v1/completions", completion())
    memory = process.memory_info().rss
    for number in range(1000):
        answer = send(front.port, garbage(draw), wait_s=0.02)
        assert not answer or answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 4", b"HTTP/1.1 100")), (number, answer[:200])
    assert front.ask("/health")[1]["status"] == "healthy"
    assert front.ask("/v1/completions", completion())[0] == 200
    wait_for_none(process)
    assert process.memory_info().rss - memory < 20 << 20


def wait_for_none(process: psutil.Process) -> None:
    """Until no client's connection is left."""
    deadline = time.monotonic() + 30
    while [
        c for c in process.net_connections("tcp") if c.status == "ESTABLISHED" and c.laddr.port != c.raddr.port and _accepted(process, c)
    ]:
        assert time.monotonic() < deadline, "connections are left"
        time.sleep(0.05)


def _accepted(process: psutil.Process, found: object) -> bool:
    listening = {c.laddr.port for c in process.net_connections("tcp") if c.status == "LISTEN"}
    return found.laddr.port in listening  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (VALID % ((2 << 20), b""), 413),
        (CHUNKED % (2 * (b"100000\r\n" + b"x" * (1 << 20) + b"\r\n")), 413),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n", 414),
        (b"GET /health HTTP/1.1\r\n" + b"a: b\r\n" * 100 + b"\r\n", 431),
        (b"GET /health HTTP/1.1\r\na: " + b"b" * 20_000 + b"\r\n\r\n", 431),
        (b"nonsense\r\n\r\n", 400),
    ],
    ids=["length", "chunks", "target", "fields", "field", "nonsense"],
)  # fmt: skip
def test_what_is_too_large_is_told_so_and_hung_up_on(engine: Start, gateway: Start, request_: bytes, status: int) -> None:
    answer = send(gateway(engine()).port, request_, wait_s=2)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close" in answer


def test_requests_sent_ahead_are_answered_in_their_order(engine: Start, gateway: Start) -> None:
    front = gateway(engine(delay=0.01))
    bodies = [b'{"tokens":[1],"batch_size":1,"k":%d}' % k for k in range(1, 21)]
    wanted = b"".join(VALID.replace(b"/v1/completions", b"/infer") % (len(body), body) for body in bodies)
    answers = send(front.port, wanted + b"GET /nope HTTP/1.1\r\nhost: localhost\r\n\r\n" + b"bad", wait_s=1.5)
    assert answers.count(b"HTTP/1.1 200") == 20
    sizes = [part.partition(b"]")[0].count(b",") + 1 for part in answers.split(b'"ids":[')[1:]]
    assert sizes == list(range(1, 21))
    assert answers.index(b"HTTP/1.1 404") > answers.rindex(b"HTTP/1.1 200")
    assert answers.rindex(b"HTTP/1.1 400") > answers.index(b"HTTP/1.1 404")


def test_a_thousand_requests_in_one_breath_are_answered(engine: Start, gateway: Start) -> None:
    front = gateway(engine())
    answers = send(front.port, b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n" * 1000, wait_s=2)
    assert answers.count(b"HTTP/1.1 200 OK") == 1000


def dribble(data: bytes) -> Iterator[bytes]:
    yield from (data[i : i + 1] for i in range(len(data)))


def test_a_request_byte_by_byte_is_a_request(engine: Start, gateway: Start) -> None:
    front = gateway(engine())
    with closing(socket.create_connection(("127.0.0.1", front.port), timeout=5)) as connection:
        for byte in dribble(VALID % (len(BODY), BODY)):
            connection.sendall(byte)
        assert connection.recv(100).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_answered_and_not_cut_off(engine: Start, gateway: Start, chunked: bool) -> None:
    front = gateway(engine())
    body = b" " * (3 << 20)
    for _ in range(5):
        connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=20)
        given = iter([body]) if chunked else body
        connection.request("POST", "/infer", given, {"content-type": "application/json"}, encode_chunked=chunked)
        response = connection.getresponse()
        assert (response.status, "larger than" in json.loads(response.read())["error"]["message"]) == (413, True)
        connection.close()
    assert front.ask("/health")[0] == 200
