"""On a machine of the cluster: one engine on loopback, and a gate before it, at an address that other machines reach.

`python -m ryot.stages.serve.elsewhere.guest ORDER_FD TOLD_FD HOST`. It ends with the actor that started it, and its engine with it, however
that ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path

from ryot.plugins import RyotError, device_here, kind_here, processes
from ryot.stages.serve import command, probe
from ryot.stages.serve.elsewhere.gate import PART, gated, join
from ryot.stages.serve.elsewhere.order import Order
from ryot.stages.serve.leash import on_leash
from ryot.stages.serve.stage import ServeConfig

TALK, LOG = b"T", b"L"
"""What can be wanted of a gate: a connection to the engine; what the engine writes, from the beginning."""
_KEPT = 1 << 20
"""Bytes of the log that wait for a reader."""
_GRACE_S = 10.0


class Log:
    """What the engine writes, for one reader at a time; what comes while there is none is kept, the newest of it."""

    def __init__(self) -> None:
        self._kept = deque[bytes]()
        self._more = asyncio.Event()
        self._ended = False

    def add(self, data: bytes) -> None:
        """A part; b"" is the end."""
        self._kept.append(data)
        self._ended |= not data
        while sum(map(len, self._kept)) > _KEPT:
            self._kept.popleft()
        self._more.set()

    async def pour(self, writer: asyncio.StreamWriter) -> None:
        """Write all of it, as it comes, to its end."""
        while not (self._ended and not self._kept):
            await self._more.wait()
            while self._kept:
                writer.write(self._kept.popleft())
            self._more.clear()
            await writer.drain()


async def keep(order: Order, host: str, told_fd: int) -> int:
    """Start the engine, tell where the gate is, and stay until the engine ends. Returns its exit code, a signal's as a
    shell tells it."""
    log, held = Log(), probe.hold_port(command.HOST)
    port = held.getsockname()[1]
    engine, output = _started(order, port)

    async def serve(wanted: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if wanted == LOG:
            await log.pour(writer)
        else:
            await join((reader, writer), await asyncio.open_connection(command.HOST, port))

    gate = await asyncio.start_server(gated(order.token, serve), host, 0)
    _tell(told_fd, {"port": gate.sockets[0].getsockname()[1]})
    reading = asyncio.create_task(_read(output, log))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(pidfd := os.pidfd_open(engine.pid), ended.set)
    await ended.wait()
    asyncio.get_running_loop().remove_reader(pidfd)
    processes.end_descendants(os.getpid())
    await asyncio.wait([reading], timeout=_GRACE_S)
    code = engine.wait()
    return code if code >= 0 else 128 - code


def _started(order: Order, port: int) -> tuple[subprocess.Popen[bytes], int]:
    """The engine, and the descriptor from which its log is read. Raises RyotError."""
    config, machine = ServeConfig.model_validate(order.config), command.Machine(order.device, order.threads)
    argv = [sys.executable, *on_leash(command.arguments(config, machine, Path(order.folder), port, recurrent=order.recurrent))]
    reader, writer = os.pipe()
    try:
        env = dict(os.environ) | dict(command.environment(config, machine))
        return processes.spawn(argv, env=env, stdout=writer), reader
    finally:
        os.close(writer)


async def _read(descriptor: int, log: Log) -> None:
    reader = asyncio.StreamReader()
    with os.fdopen(descriptor, "rb") as pipe:
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        while data := await reader.read(PART):
            log.add(data)
    log.add(b"")


def _tell(descriptor: int, what: dict[str, object]) -> None:
    os.write(descriptor, json.dumps(what).encode())
    os.close(descriptor)


def _unfit(order: Order) -> str:
    """Why this machine cannot take the order; empty where it can."""
    if not Path(order.folder).is_dir():
        return f"it does not see {order.folder}: the machines of the cluster have to share the store, under the same path"
    if order.kind and kind_here() != order.kind:
        return f"it computes on {device_here()}, and the plan is for {order.kind}: what is measured would be told of another device"
    return ""


def main(argv: list[str]) -> int:
    """Keep an engine. Exit code: the engine's; 143 when told to end."""
    order_fd, told_fd, host = int(argv[1]), int(argv[2]), argv[3]
    with os.fdopen(order_fd, encoding="utf-8") as text:
        order = Order.of(text.read())
    processes.adopt_orphans()
    signal.signal(signal.SIGTERM, lambda *_: _end())
    if reason := _unfit(order):
        _tell(told_fd, {"failed": reason})
        return 1
    try:
        return asyncio.run(keep(order, host, told_fd))
    except RyotError as error:
        _tell(told_fd, {"failed": error.message})
        return 1


def _end() -> None:
    processes.end_descendants(os.getpid(), _GRACE_S)
    os._exit(143)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
