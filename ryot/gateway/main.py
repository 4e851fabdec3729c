"""`python -m ryot.gateway.main SETTINGS.json [--host HOST] [--port PORT]`: one gateway, until SIGTERM.

It says on its first line where it listens, `{"listening": "http://127.0.0.1:8000"}`, and then writes a line for each request.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
import time
from pathlib import Path

import uvloop

from ryot.gateway.access import Door, Log
from ryot.gateway.app import Gateway
from ryot.gateway.server import Server
from ryot.gateway.settings import KEY, LOOPBACK, Settings
from ryot.gateway.trace import Tracing

LINGER_S = 1.0
"""After SIGTERM requests are still taken for so long: those that were sent before a client could know."""


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("settings", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready-fd", type=int, help="an open file that the address is written to once it listens")
    options = parser.parse_args()
    key = os.environ.pop(KEY, None) or None
    if options.host not in LOOPBACK and key is None:
        sys.exit(f"{options.host} is open to others: set {KEY}, or listen on 127.0.0.1")
    settings = Settings.model_validate_json(options.settings.read_bytes())
    gc.freeze()  # what was imported is not looked through again
    try:
        uvloop.run(serve(settings, key, options))
    except OSError as error:
        sys.exit(f"cannot listen on {options.host}:{options.port}: {error}")


async def serve(settings: Settings, key: str | None, options: argparse.Namespace) -> None:
    """Listen, probe, and drain at the end."""
    loop = asyncio.get_running_loop()
    log = Log(on=settings.access_log)
    gateway = Gateway(settings, Door(key), log, Tracing(), time.monotonic)
    server = Server(gateway, time.monotonic, settings.max_body)
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    await gateway.replicas.probe()
    gateway.resize()
    listener = await loop.create_server(server, options.host, options.port, backlog=1024)
    name, where = listener.sockets[0].getsockname()[:2]
    url = f"http://{f'[{name}]' if ':' in name else name}:{where}"
    log.event({"listening": url})
    log.flush()
    if options.ready_fd is not None:
        os.write(options.ready_fd, url.encode())
        os.close(options.ready_fd)
    chores = [loop.create_task(_probe(gateway)), loop.create_task(_sweep(gateway, server))]
    for chore in chores:
        chore.add_done_callback(lambda _: ending.set())  # without them it would neither notice nor end anything
    await ending.wait()
    broken = [chore.exception() for chore in chores if chore.done()]
    gateway.draining = server.closing = True  # /health says so, and every answer closes its connection
    await asyncio.sleep(LINGER_S)
    listener.close()
    server.close()
    await drained(gateway, server, settings.grace)
    for chore in chores:
        chore.cancel()
    if broken:
        sys.exit(f"a chore of the gateway ended: {broken[0]!r}")
    gateway.replicas.close()
    gateway.book.settle()
    log.event({"ended": True, "left": len(gateway.tasks)})
    log.flush()


async def drained(gateway: Gateway, server: Server, grace_s: float) -> None:
    """Wait until every request is answered and every client has its answer, or `grace_s` seconds."""
    try:
        async with asyncio.timeout(grace_s):
            while gateway.tasks:
                await asyncio.wait(gateway.tasks)
            await server.left()
    except TimeoutError:
        return


async def _probe(gateway: Gateway) -> None:
    while True:
        await asyncio.sleep(gateway.settings.probe_every)
        await gateway.replicas.probe()
        gateway.resize()


async def _sweep(gateway: Gateway, server: Server) -> None:
    while True:
        await asyncio.sleep(1.0)
        server.sweep()
        gateway.replicas.sweep()
        gateway.book.settle()
        gateway.log.flush()


if __name__ == "__main__":
    main()
