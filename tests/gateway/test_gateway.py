"""A gateway and fake engines, all real processes: routes, cache, queue, retries, streams, keys, and how it ends."""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.gateway.chaos import chaos, faults
from tests.gateway.conftest import Server, completion
from tests.gateway.engine import BUSY, HALF, HANG_UP, NEVER, NONSENSE, STATUS

pytestmark = pytest.mark.heavy
Start = Callable[..., Server]
ASK = "/v1/completions"


def wait_for(what: Callable[[], Any], limit_s: float = 20.0) -> None:
    deadline = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def counts(server: Server) -> dict[str, int]:
    found: dict[str, int] = server.ask("/counts")[1]
    return found


def metric(front: Server, name: str) -> float:
    text = front.ask("/metrics")[1].decode()
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


def test_every_route_answers(engine: Start, gateway: Start) -> None:
    front = gateway(engine())
    status, health, _ = front.ask("/health")
    assert (status, health["status"], health["replicas"]) == (200, "healthy", {"living": 1, "all": 1})
    assert isinstance(health["uptime"], float)
    assert front.ask(ASK, completion())[1]["usage"]["completion_tokens"] == 1
    assert front.ask("/v1/chat/completions", {"model": "model", "messages": [{"role": "user", "content": "hi"}]})[0] == 200
    assert front.ask("/v1/models")[1]["data"][0]["id"] == front.ask("/v1/models/model")[1]["id"] == "model"
    assert front.ask("/v1/models/other")[0] == 404
    assert front.ask("/openapi.json")[1]["openapi"].startswith("3.1")
    assert b"ryot_requests_total" in front.ask("/metrics")[1]


def test_infer_gives_probabilities_and_ids(engine: Start, gateway: Start) -> None:
    front = gateway(engine())
    _, one, _ = front.ask("/infer", {"tokens": [1, 2, 3], "batch_size": 1, "k": 3})
    assert one["ids"] == [40, 41, 42]
    assert one["predictions"] == sorted(one["predictions"], reverse=True)
    assert isinstance(one["latency_ms"], float)
    _, two, _ = front.ask("/infer", {"tokens": [[1, 2], [3]], "batch_size": 2, "k": 2})
    assert two["ids"] == [[40, 41], [40, 41]]
    assert [len(each) for each in two["predictions"]] == [2, 2]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404), ("GET", "/v1", 404), ("GET", "/docs", 404), ("POST", "/invocations", 404), ("POST", "/v1/embeddings", 404),
        ("POST", "/tokenize", 404), ("GET", "/v1/../health", 404), ("GET", "//health", 404), ("GET", "/health/", 404),
        ("GET", "/%68ealth", 404), ("GET", "/version", 404), ("POST", "/health", 405), ("GET", "/infer", 405), ("DELETE", "/infer", 405),
        ("OPTIONS", "/infer", 405), ("PUT", ASK, 405), ("GET", "/health?x=1", 200),
    ],
)  # fmt: skip
def test_what_is_not_a_route_is_refused(engine: Start, gateway: Start, method: str, path: str, status: int) -> None:
    server = engine()
    front = gateway(server)
    before = counts(server)["asked"]
    found, _body, headers = front.ask(path, None, method)
    assert found == status
    if status == 405:
        assert headers["allow"] in ("GET", "POST")
    assert counts(server)["asked"] - before <= 2  # probes only


def test_a_key_is_asked_for_everywhere_but_at_health(engine: Start, gateway: Start) -> None:
    front = gateway(engine(), key="s3cret-canary")
    routes = [("GET", "/metrics"), ("GET", "/v1/models"), ("GET", "/openapi.json"), ("POST", ASK), ("POST", "/infer"), ("GET", "/nope")]
    for method, path in routes:
        for given in ({}, {"authorization": "Bearer wrong"}, {"authorization": "s3cret-canary"}, {"authorization": "Basic s3cret-canary"}):
            assert front.ask(path, completion() if method == "POST" else None, method, **given)[0] == 401, path
    assert front.ask("/health")[0] == 200
    assert front.ask(ASK, completion(), authorization="Bearer s3cret-canary")[0] == 200
    assert front.ask(ASK, completion(), authorization="bearer s3cret-canary", host="example.org")[0] == 200
    environment = Path(f"/proc/{front.process.pid}/cmdline").read_bytes()
    assert b"s3cret-canary" not in environment


def test_without_a_key_other_names_of_this_machine_are_refused(engine: Start, gateway: Start) -> None:
    front = gateway(engine())
    for host, status in {"localhost": 200, "127.0.0.1:9": 200, "[::1]:80": 200, "evil.example": 421, "127.0.0.1.evil.example": 421}.items():
        assert front.ask(ASK, completion(), host=host)[0] == status, host


def test_a_public_address_without_a_key_is_refused(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "ryot.gateway.main", "settings.json", "--host", "0.0.0.0"]  # noqa: S104
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode != 0
    assert "set RYOT_API_KEY, or listen on 127.0.0.1" in done.stderr


def test_a_body_that_is_not_called_json_is_refused(engine: Start, gateway: Start) -> None:
    front = gateway(engine())
    assert front.ask(ASK, completion(), content_type="text/plain")[0] == 415  # what a page may send without asking


def test_equal_requests_are_answered_once_within_the_time(engine: Start, gateway: Start) -> None:
    server = engine()
    front = gateway(server, probe_every=100, cache_ttl=6.0)
    before = counts(server)["asked"]
    first = front.ask(ASK, completion(temperature=0))
    again = front.ask(ASK, {"temperature": 0.0, **completion(), "user": "ana"})
    assert (first[1], first[2]["x-cache"], again[2]["x-cache"]) == (again[1], "miss", "hit")
    assert counts(server)["asked"] - before == 1
    assert front.ask(ASK, completion(temperature=0), cache_control="no-cache")[2].get("x-cache") is None
    assert "x-cache" not in front.ask(ASK, completion(temperature=1))[2]
    assert counts(server)["asked"] - before == 3
    wait_for(lambda: front.ask(ASK, completion(temperature=0))[2]["x-cache"] == "miss", 20)


def test_streams_are_neither_kept_nor_answered_from_the_cache(engine: Start, gateway: Start) -> None:
    front = gateway(engine())
    front.ask(ASK, completion(temperature=0, max_tokens=3))
    for _ in range(2):
        _, body, headers = front.ask(ASK, completion(temperature=0, max_tokens=3, stream=True))
        assert headers["content-type"].startswith("text/event-stream")
        assert "x-cache" not in headers
        assert body.count(b"data: ") == 4


def test_what_the_engine_gets_wrong_is_not_kept(engine: Start, gateway: Start) -> None:
    front = gateway(engine())
    for first, status in ((STATUS, 500), (NONSENSE, 502)):
        for _ in range(2):
            found, _, headers = front.ask(ASK, completion(first, temperature=0))
            assert (found, headers.get("x-cache", "miss")) == (status, "miss")
    assert front.ask("/infer", {"tokens": [NONSENSE], "batch_size": 1})[0] == 502


def test_a_stream_comes_byte_for_byte_and_as_it_is_made(engine: Start, gateway: Start) -> None:
    server = engine(gap=0.05)
    front = gateway(server)
    body = json.dumps(completion(max_tokens=20, stream=True)).encode()
    direct, through = (_timed_stream(port, body) for port in (server.port, front.port))
    assert [line for line, _ in direct] == [line for line, _ in through]
    assert through[-1][1] - through[0][1] > 0.5  # twenty chunks of 50 ms: not held back to the end
    events = sum(line.startswith(b"data: {") for line, _ in through)
    assert f"ryot_stream_events_total {float(events)}" in front.ask("/metrics")[1].decode()


def _timed_stream(port: int, body: bytes) -> list[tuple[bytes, float]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", ASK, body, {"content-type": "application/json"})
    response = connection.getresponse()
    found = [(line, time.monotonic()) for line in response]
    connection.close()
    return found


def test_a_client_that_leaves_stops_the_engine(engine: Start, gateway: Start) -> None:
    server = engine(gap=0.02)
    front = gateway(server, probe_every=100)
    for path_body in (completion(max_tokens=100, stream=True), completion(NEVER)):
        before = counts(server)
        connection = socket.create_connection(("127.0.0.1", front.port))
        data = json.dumps(path_body).encode()
        connection.sendall(
            b"POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
            % (ASK.encode(), len(data), data)
        )
        wait_for(lambda: counts(server)["running"] == 1)
        connection.close()
        wait_for(lambda: counts(server)["running"] == 0)
        assert counts(server)["stopped"] == before["stopped"] + 1
    assert metric(front, "ryot_clients_left_total") == 2
    assert metric(front, "ryot_sequences_running") == 0


def test_more_than_fits_waits_and_what_finds_no_room_is_told_when_to_come_back(engine: Start, gateway: Start) -> None:
    server = engine(delay=2.0)
    front = gateway(server, sequences=2, waiting=2, deadline=30.0, probe_every=100)
    with ThreadPoolExecutor(5) as pool:
        found = list(pool.map(lambda _: front.ask(ASK, completion()), range(5)))
    refused = [headers for status, _, headers in found if status == 429]
    assert [status for status, _, _ in found].count(200) == 4
    assert len(refused) == 1
    assert int(refused[0]["retry-after"]) >= 1


def test_a_turn_that_does_not_come_in_time_is_429(engine: Start, gateway: Start) -> None:
    front = gateway(engine(delay=1.5), sequences=1, deadline=0.3, probe_every=100)
    with ThreadPoolExecutor(2) as pool:
        found = sorted(pool.map(lambda _: front.ask(ASK, completion())[0], range(2)))
    assert found == [200, 429]


def test_an_error_before_an_answer_begins_goes_to_another_replica(engine: Start, gateway: Start) -> None:
    good, bad = engine(), engine()
    front = gateway(good, bad, probe_every=100, retry_share=1.0)
    bad.end()
    for _ in range(30):
        assert front.ask(ASK, completion())[0] == 200
    assert metric(front, "ryot_retries_total") >= 5  # until its breaker opened
    assert metric(front, 'ryot_replica_breaker{replica="1"}') == 2
    assert metric(front, 'ryot_replica_answered{replica="0"}') == 30


@pytest.mark.parametrize(("first", "words"), [(HANG_UP, "hung up"), (BUSY, "answered 503"), (HALF, "in its answer")])
def test_what_no_replica_can_answer_is_502(engine: Start, gateway: Start, first: int, words: str) -> None:
    front = gateway(engine(), engine(), probe_every=100)
    status, body, _ = front.ask(ASK, completion(first))
    assert status == 502
    assert words in body["error"]["message"]


def test_a_stream_that_breaks_is_seen_to_break(engine: Start, gateway: Start) -> None:
    front = gateway(engine(), engine())
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        front.ask(ASK, completion(HALF, max_tokens=9, stream=True))


def test_retries_stay_within_their_budget(engine: Start, gateway: Start) -> None:
    servers = [engine(), engine()]
    front = gateway(*servers, probe_every=100, retry_share=0.1, breaker_errors=1000)
    for _ in range(100):
        front.ask(ASK, completion(HANG_UP))
    assert metric(front, "ryot_retries_total") <= 21  # ten saved, and a tenth


def test_health_is_a_token_and_returns_with_it(engine: Start, gateway: Start) -> None:
    server = engine()
    front = gateway(server)
    server.end()
    wait_for(lambda: front.ask("/health")[0] == 503)
    assert front.ask("/health")[1]["status"] == "unhealthy"
    assert front.ask(ASK, completion())[0] == 503
    engine(port=server.port)
    wait_for(lambda: front.ask("/health")[0] == 200)
    assert front.ask(ASK, completion())[0] == 200


def test_an_engine_that_hangs_is_not_healthy(engine: Start, gateway: Start) -> None:
    """vllm#39863, #17972: the engine hung, and its /health said 200. A stopped process accepts connections and answers nothing."""
    server = engine()
    front = gateway(server, probe_timeout=0.5)
    server.process.send_signal(signal.SIGSTOP)
    wait_for(lambda: front.ask("/health")[0] == 503)
    server.process.send_signal(signal.SIGCONT)
    wait_for(lambda: front.ask("/health")[0] == 200)


def test_waiting_for_a_turn_is_measured(engine: Start, gateway: Start, tmp_path: Path) -> None:
    """LiteLLM leaves the time in its queue out of what it tells."""
    front = gateway(engine(delay=0.6), sequences=1, probe_every=100)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: front.ask(ASK, completion())[0], range(2))) == [200, 200]
    assert metric(front, "ryot_queue_seconds_sum") >= 0.4
    front.process.send_signal(signal.SIGTERM)
    front.process.wait()
    lines = [json.loads(line) for line in (tmp_path / "gateway-0.log").read_text().splitlines()]
    first, second = sorted(line["queue_ms"] for line in lines if line.get("route") == ASK)
    assert first < 100
    assert second >= 400


def test_five_hundred_clients_that_leave_at_any_moment_leak_nothing(engine: Start, gateway: Start) -> None:
    """litellm#30244, #36123, vllm#10806: the engine went on for nobody, and sockets stayed open."""
    server = engine(gap=0.01)
    front = gateway(server, probe_every=1000, sequences=64, context=2000)
    data = json.dumps(completion(max_tokens=1000, stream=True)).encode()
    head = b"POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (
        ASK.encode(),
        len(data),
    )
    moments = (head[:20], head, head + data[:10], head + data, None)
    before = len(psutil.Process(front.process.pid).net_connections())
    for number in range(500):
        sent = moments[number % len(moments)]
        with socket.create_connection(("127.0.0.1", front.port)) as connection:
            connection.sendall(head + data if sent is None else sent)
            if sent is None:
                assert connection.recv(200).startswith(b"HTTP/1.1 200")  # in the middle of its answer
    wait_for(lambda: counts(server)["running"] == 0)
    wait_for(lambda: metric(front, "ryot_sequences_running") == 0)
    assert counts(server)["asked"] > 100
    connections = lambda: [each.status for each in psutil.Process(front.process.pid).net_connections()]  # noqa: E731
    wait_for(lambda: connections().count("CLOSE_WAIT") == 0)
    wait_for(lambda: len(connections()) <= before + 64)  # those to the engine are kept for the next
    assert front.ask(ASK, completion())[0] == 200


def test_load_is_even(engine: Start, gateway: Start) -> None:
    servers = [engine(delay=0.01) for _ in range(3)]
    front = gateway(*servers, probe_every=100)
    before = [counts(server)["asked"] for server in servers]
    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(lambda _: front.ask(ASK, completion())[0], range(900))) == {200}
    found = [counts(server)["asked"] - start for server, start in zip(servers, before, strict=True)]
    assert sum(found) == 900
    assert max(found) <= 1.1 * 300
    assert min(found) >= 0.9 * 300


def test_sigterm_loses_none_of_fifty_requests(engine: Start, gateway: Start) -> None:
    server = engine(delay=1.0)
    front = gateway(server, sequences=64, probe_every=100)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(front.ask(ASK, completion())[0])) for _ in range(50)]
    for thread in threads:
        thread.start()
    wait_for(lambda: counts(server)["running"] >= 50)
    front.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    assert found == [200] * 50
    assert front.process.wait(10) == 0


def test_it_says_that_it_drains_and_takes_what_was_already_sent(engine: Start, gateway: Start) -> None:
    front = gateway(engine(delay=1.0), probe_every=100)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(front.ask, ASK, completion())
        wait_for(lambda: metric(front, "ryot_sequences_running") == 1)
        front.process.send_signal(signal.SIGTERM)
        wait_for(lambda: front.ask("/health")[1]["status"] == "draining", 0.9)
        assert running.result()[0] == 200


def test_the_log_has_no_prompt_answer_or_key(engine: Start, gateway: Start, tmp_path: Path) -> None:
    front = gateway(engine(), key="key-canary")
    front.ask(
        ASK, completion() | {"prompt": "prompt-canary", "user": "user-canary"}, authorization="Bearer key-canary", x_request_id="mine-1"
    )
    front.process.send_signal(signal.SIGTERM)
    front.process.wait()
    log = (tmp_path / "gateway-0.log").read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    (line,) = [line for line in lines if line.get("route") == ASK]
    assert (line["id"], line["status"], line["tries"]) == ("mine-1", 200, 1)
    assert not any(word in log for word in ("prompt-canary", "key-canary", "user-canary", " a"))


def test_an_id_that_could_break_a_header_or_a_log_is_not_taken(engine: Start, gateway: Start) -> None:
    front = gateway(engine())
    given = front.ask(ASK, completion(), x_request_id="a b{}")[2]["x-request-id"]
    assert len(given) == 16


def test_engines_that_are_killed_again_and_again_cost_no_answer(tmp_path: Path) -> None:
    outcome = chaos(argparse.Namespace(seconds=16, every=3, rate=50, seed=3), tmp_path)
    assert faults(outcome) == []
    assert outcome.kills >= 4
    assert outcome.statuses["200"] + outcome.statuses.get("stream cut short", 0) == 800
    assert outcome.statuses.get("stream cut short", 0) <= 2 * outcome.kills  # those that had begun


def test_a_model_without_a_chat_template_has_no_chats(engine: Start, gateway: Start) -> None:
    front = gateway(engine(), chats=False)
    status, body, _ = front.ask("/v1/chat/completions", {"model": "model", "messages": [{"role": "user", "content": "hi"}]})
    assert (status, body["error"]["code"]) == (400, "no_chat_template")
    assert "/v1/chat/completions" not in front.ask("/openapi.json")[1]["paths"]
