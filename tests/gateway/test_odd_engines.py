"""Engines that answer oddly, clients that leave or do not read at awkward moments: each was once a request that hung, or an answer that
went to another client."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.gateway.conftest import Server, completion
from tests.gateway.test_gateway import ASK, metric, wait_for

pytestmark = pytest.mark.heavy
Start = Callable[..., Server]
Speak = Callable[[socket.socket, dict[str, Any], int], None]


def answer(body: bytes, *, status: int = 200, more: bytes = b"") -> bytes:
    head = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\n%scontent-length: %d\r\n\r\n" % (status, more, len(body))
    return head + body


def done(text: str = "a", tokens: object = 1) -> bytes:
    return json.dumps({"choices": [{"index": 0, "text": text}], "usage": {"completion_tokens": tokens}}).encode()


class Scripted:
    """An engine whose words are a function of the connection, the request and its number on that connection. Probes are answered well."""

    def __init__(self, speak: Speak, *, probes: bool = True) -> None:
        self.speak, self.probes, self.asked = speak, probes, 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        held = b""
        try:
            for number in range(1_000_000):
                while b"\r\n\r\n" not in held:
                    held += connection.recv(65536) or self._gone()
                head, _, rest = held.partition(b"\r\n\r\n")
                length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
                while len(rest) < length:
                    rest += connection.recv(65536) or self._gone()
                held, body = rest[length:], json.loads(rest[:length])
                if self.probes and body["prompt"] == [[1]]:
                    connection.sendall(answer(done()))
                    continue
                self.asked += 1
                self.speak(connection, body, number)
        except (OSError, EOFError):
            pass
        finally:
            connection.close()

    def _gone(self) -> bytes:
        raise EOFError

    def close(self) -> None:
        self.listener.close()


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    started: list[Scripted] = []

    def start(speak: Speak, **options: bool) -> Scripted:
        started.append(Scripted(speak, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


def quiet(front: Server) -> bool:
    return metric(front, "ryot_sequences_running") == metric(front, "ryot_replica_in_flight") == metric(front, "ryot_requests_waiting") == 0


def raw(body: dict[str, Any], *, path: str = ASK, more: bytes = b"") -> bytes:
    data = json.dumps(body).encode()
    head = b"POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n%scontent-length: %d\r\n\r\n"
    return head % (path.encode(), more, len(data)) + data


def test_clients_that_leave_as_their_answers_come_hang_nobody(scripted: Callable[..., Scripted], gateway: Start) -> None:
    engine = scripted(lambda connection, body, number: (time.sleep(0.005), connection.sendall(answer(done(str(body["prompt"][0])))))[0])
    front = gateway(engine, probe_every=100)
    stop = time.monotonic() + 4

    def stays(name: int) -> int:
        count = 0
        with closing(socket.create_connection(("127.0.0.1", front.port), timeout=5)) as connection:
            while time.monotonic() < stop:
                connection.sendall(raw(completion(name)))
                found = connection.recv(65536)
                assert b'"text": "%d"' % name in found, found[-200:]
                count += 1
        return count

    def leaves(seed: int) -> int:
        draw, count = random.Random(seed), 0
        while time.monotonic() < stop:
            with closing(socket.create_connection(("127.0.0.1", front.port), timeout=5)) as connection:
                connection.sendall(raw(completion(seed)))
                time.sleep(draw.uniform(0.004, 0.01))
            count += 1
        return count

    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(stays, 1000 + n) for n in range(4)] + [pool.submit(leaves, n) for n in range(4)]
        assert min(future.result() for future in found) > 20
    wait_for(lambda: quiet(front))


@pytest.mark.parametrize("order", ["leaves first", "answered first"])
def test_an_answer_for_one_who_has_just_left_goes_to_nobody_else(scripted: Callable[..., Scripted], gateway: Start, order: str) -> None:
    """The gateway is stopped while all of it arrives, so that it sees everything in one turn."""
    arrived, go = threading.Event(), threading.Event()

    def speak(connection: socket.socket, body: dict[str, Any], number: int) -> None:
        if body["prompt"] == [7]:
            arrived.set()
            go.wait(10)
        connection.sendall(answer(done(str(body["prompt"][0]))))

    front = gateway(scripted(speak), probe_every=100)
    front.ask(ASK, completion(3))  # a kept connection to the engine
    with closing(socket.create_connection(("127.0.0.1", front.port), timeout=5)) as stays:
        leaves = socket.create_connection(("127.0.0.1", front.port))
        leaves.sendall(raw(completion(7)))
        assert arrived.wait(5)
        os.kill(front.process.pid, signal.SIGSTOP)
        stays.sendall(raw(completion(8)))
        for step in ("leave", "answer") if order == "leaves first" else ("answer", "leave"):
            leaves.close() if step == "leave" else go.set()
            time.sleep(0.1)
        os.kill(front.process.pid, signal.SIGCONT)
        assert b'"text": "8"' in stays.recv(65536)
    wait_for(lambda: quiet(front))


def test_a_slow_reader_leaves_the_engines_connection_as_it_was(scripted: Callable[..., Scripted], gateway: Start) -> None:
    chunk = b"data: " + b"x" * 150_000 + b"\n\n"

    def speak(connection: socket.socket, body: dict[str, Any], number: int) -> None:
        if not body.get("stream"):
            connection.sendall(answer(done()))
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(20):
            connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        connection.sendall(b"0\r\n\r\n")

    front = gateway(scripted(speak), probe_every=100)
    for _ in range(3):
        with closing(socket.socket()) as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect(("127.0.0.1", front.port))
            slow.sendall(raw(completion(5, stream=True), more=b"connection: close\r\n"))
            time.sleep(0.5)
            size = 0
            while part := slow.recv(65536):
                size += len(part)
            assert size > 3_000_000
        assert front.ask(ASK, completion(6))[0] == 200
    wait_for(lambda: quiet(front))


def test_one_who_asks_and_never_reads_fills_no_memory(engine: Start, gateway: Start) -> None:
    front = gateway(engine())
    process = psutil.Process(front.process.pid)
    front.ask("/openapi.json")
    before = process.memory_info().rss
    with closing(socket.create_connection(("127.0.0.1", front.port))) as greedy:
        greedy.setblocking(False)
        wanted = b"GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n" * 500
        end = time.monotonic() + 2
        while time.monotonic() < end:
            try:
                greedy.send(wanted)
            except (BlockingIOError, ConnectionError):
                time.sleep(0.01)
        assert process.memory_info().rss - before < 30 << 20
    assert front.ask("/health")[0] == 200


@pytest.mark.parametrize("early", [b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_an_answer_before_the_answer_is_none(scripted: Callable[..., Scripted], gateway: Start, early: bytes) -> None:
    front = gateway(scripted(lambda connection, body, number: connection.sendall(early + answer(done(str(body["prompt"][0]))))))
    for number in range(4):
        status, body, _ = front.ask(ASK, completion(10 + number))
        assert status == 502
        assert "nobody had asked for" in body["error"]["message"]


def test_two_answers_to_one_request_are_none(scripted: Callable[..., Scripted], gateway: Start) -> None:
    front = gateway(scripted(lambda connection, body, number: connection.sendall(2 * answer(done("first")))), probe_every=100)
    assert front.ask(ASK, completion(5))[0] == 502


@pytest.mark.parametrize("odd", [b"[" * 200_000, b'{"usage":"\xff"}', b"", b'{"usage":{"completion_tokens":"x"}}'])
def test_an_odd_probe_ends_no_probing(scripted: Callable[..., Scripted], gateway: Start, odd: bytes) -> None:
    bad = threading.Event()

    def speak(connection: socket.socket, body: dict[str, Any], number: int) -> None:
        connection.sendall(answer(odd if bad.is_set() else done()))

    front = gateway(scripted(speak, probes=False), probe_every=0.1)
    bad.set()
    wait_for(lambda: front.ask("/health")[0] == 503)
    bad.clear()
    wait_for(lambda: front.ask("/health")[0] == 200)


def test_a_log_that_nobody_reads_holds_nothing_up(engine: Start, gateway: Start, tmp_path: Path) -> None:
    front = gateway(engine(), pipe=True)
    for number in range(1200):  # some 250 kB of lines; a pipe holds 64
        assert front.ask("/health" if number % 2 else "/nope")[0] in (200, 404)
    front.process.stdout.close()  # type: ignore[union-attr]
    for _ in range(300):
        assert front.ask("/health")[0] == 200


def test_an_engine_that_is_silent_is_asked_once(scripted: Callable[..., Scripted], gateway: Start) -> None:
    def speak(connection: socket.socket, body: dict[str, Any], number: int) -> None:
        if body["prompt"] != [9]:
            connection.sendall(answer(done()))

    engine = scripted(speak)
    front = gateway(engine, timeout=1.0, probe_every=100)
    front.ask(ASK, completion(3))
    before = engine.asked
    assert front.ask(ASK, completion(9))[0] == 502
    assert engine.asked - before == 1


def test_a_trial_that_tells_nothing_lets_another_one_try(scripted: Callable[..., Scripted], gateway: Start) -> None:
    """The breaker is open; the request that tries gets an answer that cannot be read."""
    words = {"body": b""}

    def speak(connection: socket.socket, body: dict[str, Any], number: int) -> None:
        connection.sendall(answer(words["body"], status=500 if not words["body"] else 200))

    front = gateway(scripted(speak), probe_every=100, breaker_errors=2, breaker_cooldown=0.2)
    for _ in range(2):
        assert front.ask(ASK, completion(5))[0] == 500
    for body in (done(), b'{"choices":[{"index":0,"logprobs":{"top_logprobs":[{"token_id:1":1000}]}}],"usage":{"completion_tokens":1}}'):
        words["body"] = body
        wait_for(lambda: front.ask("/infer", {"tokens": [5], "batch_size": 1})[0] == 502, 10)
    words["body"] = done()
    wait_for(lambda: front.ask(ASK, completion(5))[0] == 200, 10)


def test_a_trailer_is_no_header(engine: Start, gateway: Start) -> None:
    front = gateway(engine(), key="right")
    data = json.dumps(completion()).encode()
    sent = b"POST %s HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n" % (
        ASK.encode(), len(data), data,
    )  # fmt: skip
    with closing(socket.create_connection(("127.0.0.1", front.port), timeout=5)) as connection:
        connection.sendall(sent + b"authorization: Bearer right\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 401")


def test_head_has_no_body(engine: Start, gateway: Start) -> None:
    front = gateway(engine())
    with closing(socket.create_connection(("127.0.0.1", front.port), timeout=1)) as connection:
        connection.sendall(b"HEAD /health HTTP/1.1\r\nhost: localhost\r\n\r\nGET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        time.sleep(0.3)
        first, second = connection.recv(65536).split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"405")
    assert first.endswith(b"\r\n\r\n")
    assert b'"healthy"' in second


def test_an_upgrade_is_passed_over_or_refused_but_swallows_no_body(engine: Start, gateway: Start) -> None:
    front = gateway(engine())
    asks = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQ\r\n"
    with closing(socket.create_connection(("127.0.0.1", front.port), timeout=5)) as connection:
        connection.sendall(2 * (b"GET /health HTTP/1.1\r\nhost: localhost\r\n" + asks + b"\r\n"))
        time.sleep(0.3)
        assert connection.recv(65536).count(b'"healthy"') == 2
        connection.sendall(raw(completion(), more=asks))
        assert b"does not change protocols" in connection.recv(65536)


def test_a_client_that_sends_ahead_and_leaves_is_noticed(scripted: Callable[..., Scripted], gateway: Start) -> None:
    front = gateway(scripted(lambda connection, body, number: None), probe_every=100)  # never answers
    with closing(socket.create_connection(("127.0.0.1", front.port))) as connection:
        connection.sendall(raw(completion(5)) + b"x" * 200_000)
        wait_for(lambda: metric(front, "ryot_sequences_running") == 1)
    wait_for(lambda: quiet(front))
