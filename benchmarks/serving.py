"""Measures what ryot's gateway leaves of vLLM's throughput: the same load on the engine itself and through the gateway, by turns.

Run it as `python benchmarks/serving.py MODEL [--rounds N] [--clients N] [--tokens N] [--json FILE]`, MODEL being an exported folder. Every
client asks again as soon as it is answered. It fails where the median of the rounds' ratios is below 0.98.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

sys.path.insert(0, str(Path(__file__).parent))
from gateway import Client, connect, wire

from ryot.plugins.testing import run_service
from ryot.stages.serve.checkpoint import read_checkpoint
from ryot.stages.serve.stage import ServeConfig, ServeService

LEAST, WARM_UP, PROMPT = 0.98, 3.0, 32


async def tokens_per_s(url: str, options: argparse.Namespace, seconds: float, draw: random.Random) -> float:
    """Generated tokens a second; every prompt is another."""
    port, count, end = urlsplit(url).port or 80, 0, time.perf_counter() + seconds
    clients = [await connect(port) for _ in range(options.clients)]

    async def ask(client: Client) -> None:
        nonlocal count
        while time.perf_counter() < end:
            prompt = [draw.randrange(256) for _ in range(PROMPT)]
            await client.ask(wire({"model": "model", "prompt": prompt, "max_tokens": options.tokens, "temperature": 0, "ignore_eos": True}))
            count += options.tokens

    start = time.perf_counter()
    await asyncio.gather(*map(ask, clients))
    took = time.perf_counter() - start
    for client in clients:
        client.transport.close()  # type: ignore[attr-defined]
    return count / took


def main() -> int:
    """Take turns, and show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    config = ServeConfig(context=read_checkpoint(options.model).context or 128, kv_cache=256 << 20)
    draw = random.Random(1)  # noqa: S311 - where to strike, no secret
    paces: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        run_service(ServeService(), config, Path(folder), inputs={"model": options.model}) as served,
    ):
        engines = served.info["engines"]
        assert isinstance(engines, list)
        ways = {"vLLM": str(engines[0]), "ryot": served.url}
        for url in ways.values():
            uvloop.run(tokens_per_s(url, options, WARM_UP, draw))
        paces = {name: [] for name in ways}
        for number in range(options.rounds):
            for name in list(ways)[:: -1 if number % 2 else 1]:
                paces[name].append(uvloop.run(tokens_per_s(ways[name], options, options.seconds, draw)))
    ratios = sorted(ours / alone for ours, alone in zip(paces["ryot"], paces["vLLM"], strict=True))
    for name, found in paces.items():
        print(f"{name:5} {statistics.median(found):8.1f} tokens/s ({min(found):.1f}-{max(found):.1f})")
    ratio = statistics.median(ratios)
    print(f"through ryot: {ratio:.3f} of vLLM alone ({ratios[0]:.3f}-{ratios[-1]:.3f}), at least {LEAST}")
    if options.json:
        options.json.write_text(json.dumps(paces, indent=1))
    return 0 if ratio >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
