"""A server of completions whose delays are known: each is drawn, waited for, and written down as it really was, on the server's own clock.

python timed_openai.py --ready-file F [--delays constant|lognormal|bimodal] [--ms 20] [--gap-ms 5] [--seed 0] [--leak BYTES]

GET /truth: a row for each request in the order of their coming, the nanoseconds (monotonic) at which the kernel had received it and each
chunk of its answer was handed to the kernel; GET /asked: [tokens of its first prompt, of an answer]; GET /count: how many. A stream's
tokens come `--gap-ms` apart, the first after the delay. `--leak`: so much memory is lost with every request.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import math
import random
import socket
import struct
import time
from pathlib import Path
from typing import Any

import httptools
import uvloop

SO_TIMESTAMPNS = 35


def delay_s(draw: random.Random, kind: str, ms: float) -> float:
    """constant: `ms` · lognormal: around it, with a sigma of 0.5 · bimodal: half of it, and in one of ten cases three times."""
    match kind:
        case "lognormal":
            return ms / 1e3 * math.exp(draw.gauss(0.0, 0.5))
        case "bimodal":
            return ms / 1e3 * (3.0 if draw.random() < 0.1 else 0.5)
    return ms / 1e3


def stamped_ns(notes: list[tuple[int, int, bytes]]) -> int:
    """When the kernel had received what was read, on the monotonic clock; now, where it was too early to stamp it."""
    tries = [(time.perf_counter_ns(), time.time_ns(), time.perf_counter_ns()) for _ in range(3)]
    before, today, _ = min(tries, key=lambda clocks: clocks[2] - clocks[0])
    if not notes:
        return before
    seconds, nanoseconds = struct.unpack("@qq", notes[0][2])
    return before - (today - (seconds * 10**9 + nanoseconds))


class Server:
    """One connection. Plain sockets: asyncio's transports do not tell when the kernel received a request."""

    options: argparse.Namespace
    draw: random.Random
    truth: list[list[int]] = []
    asked: list[list[int]] = []
    finished = 0
    lost: list[bytes] = []

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.received_ns = connection, 0
        self.parser = httptools.HttpRequestParser(self)
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asyncio.get_running_loop().add_reader(connection.fileno(), self.read)

    def read(self) -> None:
        try:
            data, notes, _, _ = self.connection.recvmsg(1 << 16, 64)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self.connection.fileno())
            self.connection.close()
            return
        self.received_ns = stamped_ns(notes)
        self.parser.feed_data(data)

    def write(self, data: bytes) -> None:
        """Answers are small: they fit the kernel's buffer. A client that went away is no concern."""
        try:
            self.connection.send(data)
        except OSError:
            self.connection.close()

    def on_message_begin(self) -> None:
        self.url, self.body = b"", b""

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        if self.url == b"/metrics":
            count = float(self.finished)
            self.send(f'vllm:num_requests_waiting 0.0\nvllm:request_success_total{{finished_reason="length"}} {count}\n'.encode())
        elif self.url == b"/count":
            self.send(str(len(self.truth)).encode())
        elif self.url == b"/asked":
            self.send(json.dumps(self.asked).encode())
        elif self.url == b"/truth":
            self.send(json.dumps(self.truth).encode())
        else:
            self.row = [self.received_ns]
            self.truth.append(self.row)
            asked = json.loads(self.body)
            self.lost.append(b"x" * self.options.leak)
            self.asked.append([len(asked["prompt"][0]), asked["max_tokens"]])
            first = delay_s(self.draw, self.options.delays, self.options.ms)
            asyncio.get_running_loop().call_later(first, self.stream if asked.get("stream") else self.answer, asked)

    def answer(self, asked: dict[str, Any]) -> None:
        prompts = len(asked["prompt"]) if isinstance(asked["prompt"], list) else 1
        Server.finished += prompts
        choices = [{"index": number, "text": "x", "finish_reason": "length"} for number in range(prompts)]
        usage = {"completion_tokens": prompts * asked["max_tokens"]}
        data = json.dumps({"object": "text_completion", "choices": choices, "usage": usage}).encode()
        self.row.append(time.perf_counter_ns())
        self.send(data)

    def stream(self, asked: dict[str, Any], number: int = 0) -> None:
        """Token `number`, and later the next; with the last one the end."""
        if number == 0:
            self.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        last = number + 1 == asked["max_tokens"]
        self.row.append(time.perf_counter_ns())
        self.event({"choices": [{"index": 0, "text": f" w{number}", "finish_reason": "length" if last else None}]})
        if last:
            Server.finished += 1
            self.event({"choices": [], "usage": {"completion_tokens": number + 1}})
            self.chunk(b"data: [DONE]\n\n")
            self.write(b"0\r\n\r\n")
        else:
            asyncio.get_running_loop().call_later(self.options.gap_ms / 1e3, self.stream, asked, number + 1)

    def event(self, fields: dict[str, Any]) -> None:
        self.chunk(b"data: " + json.dumps(fields).encode() + b"\n\n")

    def chunk(self, data: bytes) -> None:
        self.write(b"%x\r\n%s\r\n" % (len(data), data))

    def send(self, data: bytes) -> None:
        self.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(data), data))


async def main(options: argparse.Namespace) -> None:
    Server.options, Server.draw = options, random.Random(options.seed)
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listening.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)  # what it accepts has it too, from the first byte on
    asyncio.get_running_loop().add_reader(listening.fileno(), lambda: Server(listening.accept()[0]))
    gc.freeze()
    Path(options.ready_file).write_text(str(listening.getsockname()[1]))
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--ready-file", required=True)
    parser.add_argument("--delays", choices=("constant", "lognormal", "bimodal"), default="constant")
    parser.add_argument("--ms", type=float, default=20.0)
    parser.add_argument("--gap-ms", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--leak", type=int, default=0)
    uvloop.run(main(parser.parse_args()))
