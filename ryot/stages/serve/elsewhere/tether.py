"""On this machine: stands for one engine that a Ray cluster's machine runs. `python -m ryot.stages.serve.elsewhere.tether ORDER.json RAY`.

To the rest of ryot it is an engine like any other: it listens where one would, writes what that one writes, and ends when that one ends.
When it ends, however it ends, Ray ends the actor, and the engine with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ray

from ryot.plugins import NodeError, processes
from ryot.stages.cluster import join_cluster
from ryot.stages.serve import command
from ryot.stages.serve.elsewhere.gate import PART, join, opened
from ryot.stages.serve.elsewhere.guest import LOG, TALK
from ryot.stages.serve.elsewhere.order import Order

_PLACED_IN_S = 120.0


class Place:
    """The actor: a place on a machine of the cluster, with cores and GPUs, that an engine is kept in."""

    def __init__(self) -> None:
        self._guest: subprocess.Popen[bytes]

    def start(self, order: str) -> str:
        """Start the guest; where its gate is, or why there is none, as JSON."""
        host = str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]
        order_out, order_in = os.pipe()
        told_out, told_in = os.pipe()
        argv = [sys.executable, "-m", "ryot.stages.serve.elsewhere.guest", str(order_out), str(told_in), host]
        self._guest = processes.spawn(argv, pass_fds=(order_out, told_in), sig=signal.SIGTERM)
        os.close(order_out)
        os.close(told_in)
        with os.fdopen(order_in, "w", encoding="utf-8") as asked:
            asked.write(order)
        with os.fdopen(told_out, encoding="utf-8") as told:
            said = json.loads(told.read() or '{"failed": "its guest ended without a word"}')
        return json.dumps(said | {"host": host})

    def wait(self) -> int:
        """The engine's exit code, once it has ended."""
        return self._guest.wait()


def place(order: Order) -> tuple[Any, dict[str, Any]]:
    """An actor with the engine in it, and where its gate is. Raises NodeError where the cluster has no room or the machine refuses."""
    needs: Mapping[str, float] = {"CPU": order.threads} | ({"GPU": order.gpus} if order.gpus else {})
    has: Mapping[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    if short := [name for name, count in needs.items() if has.get(name, 0) < count]:
        name = short[0]
        raise NodeError(f"the Ray cluster has {has.get(name, 0):g} {name}, and an engine takes {needs[name]:g}")
    actor: Any = ray.remote(num_cpus=order.threads, num_gpus=order.gpus, max_restarts=0, scheduling_strategy="SPREAD")(Place).remote()
    try:
        told = json.loads(str(ray.get(actor.start.remote(order.text()), timeout=_PLACED_IN_S)))
    except ray.exceptions.GetTimeoutError:
        free: Mapping[str, float] = ray.available_resources()  # type: ignore[no-untyped-call]
        words = ", ".join(f"{free.get(name, 0):g} {name}" for name in needs)
        raise NodeError(f"no machine of the Ray cluster had room for the engine within {_PLACED_IN_S:.0f} s; free: {words}") from None
    except ray.exceptions.RayError as error:
        raise NodeError(f"the engine could not be placed: {str(error).strip().splitlines()[-1]}") from error
    if "failed" in told:
        raise NodeError(f"the cluster's machine {told['host']} cannot take the engine: {told['failed']}")
    return actor, told


async def stand(order: Order, actor: Any, host: str, port: int) -> int:
    """Be the engine at this machine's port until it ends. Returns its exit code; 1 where its machine was lost."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await opened(host, port, order.token, TALK)
        except OSError:
            writer.close()
            return
        await join((reader, writer), there)

    log = asyncio.create_task(_copy_log(host, port, order.token))
    async with await asyncio.start_server(meet, command.HOST, order.port):
        try:
            code = int(await asyncio.wrap_future(actor.wait.remote().future()))
        except ray.exceptions.RayError as lost:
            print(f"Error: the engine's machine was lost: {str(lost).strip().splitlines()[0]}", flush=True)
            return 1
    await asyncio.wait([log], timeout=5.0)
    return code


async def _copy_log(host: str, port: int, token: str) -> None:
    with contextlib.suppress(OSError):
        reader, writer = await opened(host, port, token, LOG)
        with contextlib.closing(writer):
            while data := await reader.read(PART):
                os.write(1, data)


def main(argv: list[str]) -> int:
    """Stand for an engine. Exit code: its own; a signal's as a shell tells it."""
    order = Order.of(Path(argv[1]).read_text())
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    try:
        join_cluster(argv[2], log_to_driver=False)
        actor, told = place(order)
    except NodeError as error:
        print(f"Error: {error.message}", flush=True)
        return 1
    print(f"the engine is at {told['host']}, behind port {told['port']}", flush=True)
    code = asyncio.run(stand(order, actor, told["host"], told["port"]))
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv))
