"""Kill one of three engines again and again under a steady load; no client may see an error for an answer that had not begun.

    python tests/gateway/chaos.py [--seconds 120] [--every 5] [--rate 50] [--seed 1]

Engines and gateway are processes of their own; an engine that is killed comes back on its port a second later. Requests are sent at their
times whether or not others have been answered. Exit code 1 where one was not answered 200, or the load of three living engines was not
even within a tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ENGINE = Path(__file__).with_name("engine.py")


@dataclass
class Outcome:
    """What came of it."""

    statuses: dict[str, int] = field(default_factory=dict)
    kills: int = 0
    retries: float = 0.0
    shares: list[float] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)

    def note(self, what: str) -> None:
        self.statuses[what] = self.statuses.get(what, 0) + 1


def engine(port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, str(ENGINE), "--port", str(port), "--delay", "0.05"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def load(url: str, options: argparse.Namespace, outcome: Outcome) -> None:
    """Requests at their times; every fourth is a stream."""
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=500)) as client:

        async def ask(number: int) -> None:
            body = {"model": "model", "prompt": [number % 7000], "max_tokens": 4, "stream": number % 4 == 0}
            start = time.monotonic()
            try:
                answer = await client.post(f"{url}/v1/completions", json=body)
                outcome.note(str(answer.status_code) if not body["stream"] or "[DONE]" in answer.text else "stream cut short")
            except httpx.HTTPError as error:
                # A stream that had begun may break with its engine; what had not begun may not.
                outcome.note(
                    "stream cut short" if body["stream"] and isinstance(error, httpx.RemoteProtocolError) else type(error).__name__
                )
            outcome.latencies_s.append(time.monotonic() - start)

        began, tasks = time.monotonic(), []
        for number in range(round(options.seconds * options.rate)):
            await asyncio.sleep(max(began + number / options.rate - time.monotonic(), 0))
            tasks.append(asyncio.create_task(ask(number)))
        await asyncio.gather(*tasks)


async def kills(ports: list[int], engines: list[subprocess.Popen[bytes]], options: argparse.Namespace, outcome: Outcome) -> None:
    draw = random.Random(options.seed)
    while True:
        await asyncio.sleep(options.every - 1)
        victim = draw.randrange(len(engines))
        engines[victim].kill()
        engines[victim].wait()
        outcome.kills += 1
        await asyncio.sleep(1)
        engines[victim] = await asyncio.to_thread(engine, ports[victim])


async def run(url: str, ports: list[int], engines: list[subprocess.Popen[bytes]], options: argparse.Namespace) -> Outcome:
    outcome = Outcome()
    quiet = argparse.Namespace(**{**vars(options), "seconds": max(options.seconds / 6, 5)})
    before = await counts(url, "ryot_replica_answered")
    await load(url, quiet, Outcome())
    outcome.shares = [now - then for now, then in zip(await counts(url, "ryot_replica_answered"), before, strict=True)]
    killer = asyncio.create_task(kills(ports, engines, options, outcome))
    await load(url, options, outcome)
    killer.cancel()
    outcome.retries = sum(await counts(url, "ryot_retries_total"))
    return outcome


async def counts(url: str, name: str) -> list[float]:
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{url}/metrics")).text
    return [float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name)]


def chaos(options: argparse.Namespace, folder: Path) -> Outcome:
    """Start all, run, end all."""
    ports = [free_port() for _ in range(3)]
    engines = [engine(port) for port in ports]
    settings = {"replicas": [f"http://127.0.0.1:{port}" for port in ports], "model": "model", "digest": "d", "context": 128}
    (folder / "gateway.json").write_text(json.dumps(settings | {"vocab_size": 9000, "probe_every": 1.0, "access_log": False}))
    port = free_port()
    argv = [sys.executable, "-m", "ryot.gateway.main", str(folder / "gateway.json"), "--port", str(port)]
    front = subprocess.Popen(argv, stdout=subprocess.PIPE)
    try:
        assert front.stdout is not None
        front.stdout.readline()
        return asyncio.run(run(f"http://127.0.0.1:{port}", ports, engines, options))
    finally:
        for process in (front, *engines):
            process.kill()
            process.wait()


def faults(outcome: Outcome) -> list[str]:
    """What must not be."""
    found = [f"{count} x {what}" for what, count in outcome.statuses.items() if what not in ("200", "stream cut short")]
    mean = sum(outcome.shares) / len(outcome.shares)
    if max(abs(share - mean) for share in outcome.shares) > 0.1 * mean:
        found.append(f"an uneven load: {outcome.shares}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--every", type=float, default=5)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        outcome = chaos(options, Path(name))
    worst = sorted(outcome.latencies_s)[-1]
    print(
        f"{outcome.kills} kills, answers {outcome.statuses}, {outcome.retries:.0f} retries, shares {outcome.shares}, slowest {worst:.2f} s"
    )
    for fault in faults(outcome):
        print(f"fault: {fault}")
    return 1 if faults(outcome) else 0


if __name__ == "__main__":
    sys.exit(main())
