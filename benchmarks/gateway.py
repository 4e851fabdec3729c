"""Measures what a gateway costs: the engine asked directly, through ryot, through FastAPI with httpx, and, where they are named, through
nginx and LiteLLM's proxy; by turns, before one fake engine that computes nothing.

Run it as `python benchmarks/gateway.py [--rounds N] [--nginx PATH] [--litellm PATH] [--json FILE]`. On a machine of two or more cores
the gateways have the first to themselves, engine and clients the second. Tells, with the spread over rounds: the latency that is added to
a request at the median, the gateway's CPU time per request, requests a second with 32 clients, the CPU time of all processes for a stream
of 50 chunks as a multiple of the direct one's, read by OpenAI's client and by a bare one, and the latency of an answer from ryot's cache.
It fails where ryot adds more than 0.3 ms or 200 us of CPU, serves fewer than 3,000 requests a second, costs OpenAI's client's stream more
than 1.2 times, or a cached answer takes 0.5 ms. (A bare client and an engine that computes nothing do so little that any relay, which has
to read and write each chunk too, about doubles it: nginx shows by how much.)
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import openai
import psutil
import uvloop

KEY = "sk-of-a-benchmark"
"""LiteLLM does not start without one."""
ROOT = Path(__file__).parent.parent
ASK = {"model": "model", "prompt": [1, 2, 3, 4, 5, 6, 7, 8], "max_tokens": 1, "temperature": 1}
STREAM = ASK | {"max_tokens": 49, "stream": True}  # and [DONE]
CACHED = ASK | {"temperature": 0}
CLIENTS, SEQUENTIAL, STREAMS, SECONDS = 32, 1000, 200, 2.0
MOST_ADDED_MS, MOST_CPU_US, LEAST_RATE, MOST_STREAM, MOST_HIT_MS = 0.3, 200.0, 3000.0, 1.2, 0.5


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to the engine. `pids` are the processes in between."""

    name: str
    port: int
    pids: tuple[int, ...]


class Client(asyncio.Protocol):
    """One keep-alive connection that waits for the end of each answer, however it is framed."""

    def __init__(self) -> None:
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if not self.done.done():
            self.done.set_exception(ConnectionError("hung up"))

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.left < 0:
            head, found, _ = self.received.partition(b"\r\n\r\n")
            if not found:
                return
            low = head.lower()
            if b" 200 " not in head[:16]:
                raise RuntimeError(bytes(head[:300]))
            at = low.find(b"content-length:")
            self.chunked = at < 0
            self.left = 0 if self.chunked else len(head) + 4 + int(low[at + 15 :].split(b"\r\n", 1)[0])
        if self.received.endswith(b"0\r\n\r\n") if self.chunked else len(self.received) >= self.left:
            self.done.set_result(None)

    def ask(self, data: bytes) -> asyncio.Future[None]:
        self.received, self.left = bytearray(), -1
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport.write(data)  # type: ignore[attr-defined]
        return self.done


def wire(body: dict[str, object]) -> bytes:
    data = json.dumps(body).encode()
    head = b"POST /v1/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer %s\r\n"
    return head % KEY.encode() + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(data), data)


async def connect(port: int) -> Client:
    _, client = await asyncio.get_running_loop().create_connection(Client, "127.0.0.1", port)
    return client


async def one_after_another(port: int, body: dict[str, object], count: int) -> list[float]:
    """Seconds of each."""
    client, data = await connect(port), wire(body)
    for _ in range(20):
        await client.ask(data)
    found = []
    for _ in range(count):
        start = time.perf_counter()
        await client.ask(data)
        found.append(time.perf_counter() - start)
    client.transport.close()  # type: ignore[attr-defined]
    return found


async def all_at_once(port: int) -> float:
    """Requests a second of CLIENTS clients that each ask again as soon as they are answered."""
    data, count, end = wire(ASK), 0, time.perf_counter() + SECONDS
    clients = [await connect(port) for _ in range(CLIENTS)]

    async def ask(client: Client) -> None:
        nonlocal count
        while time.perf_counter() < end:
            await client.ask(data)
            count += 1

    start = time.perf_counter()
    await asyncio.gather(*map(ask, clients))
    for client in clients:
        client.transport.close()  # type: ignore[attr-defined]
    return count / (time.perf_counter() - start)


def cpu_s(pids: Sequence[int]) -> float:
    """CPU seconds that processes have used so far; from the scheduler, whose clock is finer than the 10 ms of /proc/PID/stat."""
    threads = [thread for pid in pids for thread in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def measure(contender: Contender, engine: int) -> dict[str, float]:
    """One round of one contender."""
    before = cpu_s(contender.pids)
    seconds = uvloop.run(one_after_another(contender.port, ASK, SEQUENTIAL))
    cpu = (cpu_s(contender.pids) - before) / (SEQUENTIAL + 20)
    busy = cpu_s(contender.pids)
    rate = uvloop.run(all_at_once(contender.port))
    loaded = (cpu_s(contender.pids) - busy) / (rate * SECONDS)
    everyone = (*contender.pids, engine, os.getpid())
    before = cpu_s(everyone)
    uvloop.run(one_after_another(contender.port, STREAM, STREAMS))
    bare = (cpu_s(everyone) - before) / (STREAMS + 20)
    before = cpu_s(everyone)
    streams(contender.port, STREAMS)
    stream = (cpu_s(everyone) - before) / STREAMS
    found = {"p50_ms": 1000 * statistics.median(seconds), "cpu_us": 1e6 * cpu, "loaded_cpu_us": 1e6 * loaded, "rate": rate}
    return found | {"stream_cpu_ms": 1000 * stream, "bare_cpu_ms": 1000 * bare}


def streams(port: int, count: int) -> None:
    """Streams read by OpenAI's client, one after another."""
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY, max_retries=0)
    for _ in range(count):
        answer = client.completions.create(model="model", prompt=ASK["prompt"], max_tokens=STREAM["max_tokens"], stream=True)
        chunks = sum(1 for _ in answer)
        if chunks < STREAM["max_tokens"]:  # LiteLLM adds one
            raise RuntimeError(f"{chunks} chunks of {STREAM['max_tokens']}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(argv: Sequence[str], core: int | None, port: int | None, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program on a core, once it listens; ended with the block."""
    if core is not None and (os.cpu_count() or 1) > 1:
        argv = ["taskset", "-c", str(core), *argv]
    log = tempfile.TemporaryFile()  # noqa: SIM115
    child = subprocess.Popen(argv, stdout=log, stderr=log, env=os.environ | environment, cwd=ROOT)
    try:
        deadline = time.monotonic() + 120
        while port is not None and not _listens(port):
            if child.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                raise RuntimeError(f"{argv[2:6]} did not start: {log.read()[-1500:].decode(errors='replace')}")
            time.sleep(0.05)
        yield child
    finally:
        if child.poll() is None:
            for below in psutil.Process(child.pid).children(recursive=True):
                below.kill()
            child.kill()
            child.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def contenders(options: argparse.Namespace, folder: Path, engine: int) -> Iterator[list[Contender]]:
    """All that take turns, the direct way first and ryot second."""
    url, python = f"http://127.0.0.1:{engine}", sys.executable
    with ExitStack() as stack:
        found = [Contender("direct", engine, ())]

        def add(name: str, port: int, argv: Sequence[str], **environment: str) -> None:
            child = stack.enter_context(process(argv, 0, port, **environment))
            pids = (child.pid, *(below.pid for below in psutil.Process(child.pid).children(recursive=True)))
            found.append(Contender(name, port, pids))

        settings = {"replicas": [url], "model": "model", "digest": "d", "context": 128, "vocab_size": 9000, "sequences": 256}
        (folder / "ryot.json").write_text(json.dumps(settings | {"probe_every": 60}))
        port = free_port()
        add("ryot", port, [python, "-m", "ryot.gateway.main", str(folder / "ryot.json"), "--port", str(port)])
        port = free_port()
        peer = ["--app-dir", str(ROOT / "benchmarks"), "gateway_peer:app", "--port", str(port), "--log-level", "error"]
        add("FastAPI + httpx", port, [python, "-m", "uvicorn", *peer], UPSTREAM=url)
        if options.nginx:
            port = free_port()
            (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, engine=engine))
            add("nginx", port, [options.nginx, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")])
        if options.litellm:
            port = free_port()
            (folder / "litellm.json").write_text(json.dumps(_litellm(url)))
            argv = [options.litellm, "--config", str(folder / "litellm.json")]
            add(
                "LiteLLM proxy",
                port,
                [*argv, "--host", "127.0.0.1", "--port", str(port)],
                LITELLM_LOCAL_MODEL_COST_MAP="true",
                LITELLM_MASTER_KEY=KEY,
            )
        yield found


NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e; keepalive_requests 1000000;
  upstream engine {{ server 127.0.0.1:{engine}; keepalive 64; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://engine; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
  }}
}}
"""


def _litellm(url: str) -> dict[str, object]:
    parameters = {"model": "text-completion-openai/model", "api_base": f"{url}/v1", "api_key": "x"}
    return {"model_list": [{"model_name": "model", "litellm_params": parameters}]}


def table(rounds: dict[str, list[dict[str, float]]], hits_ms: list[float]) -> dict[str, object]:
    """Medians over rounds with their spread; what is added and multiplied is reckoned round by round."""
    rows = {}
    for name, found in rounds.items():
        direct = rounds["direct"]
        rows[name] = {
            "added_ms": _spread([one["p50_ms"] - base["p50_ms"] for one, base in zip(found, direct, strict=True)]),
            "stream": _spread([one["stream_cpu_ms"] / base["stream_cpu_ms"] for one, base in zip(found, direct, strict=True)]),
            "bare": _spread([one["bare_cpu_ms"] / base["bare_cpu_ms"] for one, base in zip(found, direct, strict=True)]),
            **{key: _spread([one[key] for one in found]) for key in ("p50_ms", "cpu_us", "loaded_cpu_us", "rate")},
        }
    return {"rows": rows, "hit_ms": _spread(hits_ms)}


def _spread(values: list[float]) -> list[float]:
    return [statistics.median(values), min(values), max(values)]


def show(found: dict[str, object]) -> bool:
    """Print the table; whether ryot holds its bounds."""
    rows: dict[str, dict[str, list[float]]] = found["rows"]  # type: ignore[assignment]
    hit: list[float] = found["hit_ms"]  # type: ignore[assignment]
    print(f"{'':16} {'added ms, p50':>21} {'CPU us, alone':>19} {'loaded':>8} {'requests/s':>21} {'stream CPU':>18} {'bare':>6}")
    for name, row in rows.items():
        cells = [f"{row['added_ms'][0]:7.3f} ({row['added_ms'][1]:5.3f}-{row['added_ms'][2]:5.3f})"]
        cells += [f"{row['cpu_us'][0]:6.0f} ({row['cpu_us'][1]:4.0f}-{row['cpu_us'][2]:4.0f})", f"{row['loaded_cpu_us'][0]:8.0f}"]
        cells += [f"{row['rate'][0]:8.0f} ({row['rate'][1]:5.0f}-{row['rate'][2]:5.0f})"]
        cells += [f"{row['stream'][0]:5.2f} ({row['stream'][1]:4.2f}-{row['stream'][2]:4.2f})", f"{row['bare'][0]:6.2f}"]
        print(f"{name:16}", *cells)
    print(f"an answer from the cache: {hit[0]:.3f} ms ({hit[1]:.3f}-{hit[2]:.3f})")
    ours = rows["ryot"]
    held = {
        f"adds {ours['added_ms'][0]:.3f} ms, at most {MOST_ADDED_MS}": ours["added_ms"][0] <= MOST_ADDED_MS,
        f"takes {ours['cpu_us'][0]:.0f} us of CPU, at most {MOST_CPU_US:.0f}": ours["cpu_us"][0] <= MOST_CPU_US,
        f"serves {ours['rate'][0]:.0f} requests/s, at least {LEAST_RATE:.0f}": ours["rate"][0] >= LEAST_RATE,
        f"streams at {ours['stream'][0]:.2f} times the direct CPU, at most {MOST_STREAM}": ours["stream"][0] <= MOST_STREAM,
        f"answers from the cache in {hit[0]:.3f} ms, at most {MOST_HIT_MS}": hit[0] <= MOST_HIT_MS,
    }
    for words, holds in held.items():
        print(f"{'holds' if holds else 'MISSED'}: ryot {words}")
    return all(held.values())


def main() -> int:
    """Take turns, and show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--nginx", default=shutil.which("nginx"))
    parser.add_argument("--litellm", default=shutil.which("litellm"), help="the command of litellm[proxy]")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    engine_port = free_port()
    engine_argv = [sys.executable, str(ROOT / "tests/gateway/engine.py"), "--port", str(engine_port)]
    with (
        tempfile.TemporaryDirectory() as name,
        process(engine_argv, 1, engine_port) as engine,
        contenders(options, Path(name), engine_port) as found,
    ):
        rounds: dict[str, list[dict[str, float]]] = {contender.name: [] for contender in found}
        hits = []
        for number in range(options.rounds):
            turn = number % len(found)
            for contender in found[turn:] + found[:turn]:
                rounds[contender.name].append(measure(contender, engine.pid))
            hits.append(1000 * statistics.median(uvloop.run(one_after_another(found[1].port, CACHED, SEQUENTIAL))))
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    result = table(rounds, hits)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))
    return 0 if show(result) else 1


if __name__ == "__main__":
    sys.exit(main())
