"""A fake engine, a process of its own: `python tests/gateway/engine.py [--port N]`. It answers as vLLM does and computes nothing.

What it does with a request is written in the request: the model's first token id chooses. 7001: status 500; 7002: hang up without a byte;
7003: hang up in the middle; 7004: never answer; 7005: 503; 7006: nonsense; otherwise answer after `--delay` seconds. It prints the port.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from typing import Any

import httptools
import uvloop

STATUS, HANG_UP, HALF, NEVER, BUSY, NONSENSE = range(7001, 7007)


class Engine(asyncio.Protocol):
    options: argparse.Namespace
    running = 0
    asked = 0
    stopped = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)
        self.task: asyncio.Task[None] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self.task and not self.task.done():
            Engine.stopped += 1
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.url, self.body = b"", b""

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        if self.url == b"/counts":
            self.send(200, {"asked": Engine.asked, "running": Engine.running, "stopped": Engine.stopped, "pid": os.getpid()})
            return
        Engine.asked += 1
        if not self.options.delay:  # nothing to wait for: no task
            asked = json.loads(self.body)
            if (
                not asked.get("stream")
                and not isinstance(asked.get("prompt"), str)
                and "messages" not in asked
                and self.first(asked) < 7001
            ):
                self.send(200, self.completion(asked))
                return
        self.task = asyncio.get_running_loop().create_task(self.answer())

    @staticmethod
    def first(asked: dict[str, Any]) -> int:
        prompt = asked.get("prompt", [0])
        while isinstance(prompt, list):
            prompt = prompt[0]
        return prompt if isinstance(prompt, int) else 0

    async def answer(self) -> None:
        asked = json.loads(self.body)
        first = self.first(asked)
        Engine.running += 1
        try:
            if first == NEVER:
                await asyncio.sleep(3600)
            if self.options.delay:
                await asyncio.sleep(self.options.delay)
            if first == HANG_UP:
                self.transport.abort()
            elif first in (STATUS, BUSY):
                self.send(500 if first == STATUS else 503, {"error": {"message": "no"}})
            elif first == NONSENSE:
                self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\n[,,]")
            elif asked.get("stream"):
                await self.stream(asked, half=first == HALF)
            elif first == HALF:
                self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 400\r\n\r\n{")
                self.transport.abort()
            else:
                self.send(200, self.completion(asked))
        finally:
            Engine.running -= 1

    async def stream(self, asked: dict[str, Any], *, half: bool) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n")
        for number in range(asked.get("max_tokens") or 16):
            if half and number == 3:
                self.transport.abort()
                return
            text = {"choices": [{"index": 0, "text": f" w{number}", "finish_reason": None}], "model": asked["model"], "id": "cmpl-1"}
            self.chunk(b"data: " + json.dumps(text).encode() + b"\n\n")
            await asyncio.sleep(self.options.gap)
        self.chunk(b"data: [DONE]\n\n")
        self.transport.write(b"0\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        self.transport.write(b"%x\r\n%s\r\n" % (len(data), data))

    def completion(self, asked: dict[str, Any]) -> dict[str, Any]:
        if "messages" in asked:
            message = {"role": "assistant", "content": " hello"}
            choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
            return {"id": "chat-1", "object": "chat.completion", "model": asked["model"], "choices": choices, "usage": usage(1)}
        prompt = asked["prompt"]
        count = len(prompt) if isinstance(prompt, list) and not isinstance(prompt[0], int) else 1
        k = asked.get("logprobs") or 0
        top = {f"token_id:{40 + i}": -0.5 - i for i in range(k)}
        logprobs = {"top_logprobs": [top], "tokens": ["a"], "token_logprobs": [-0.5]} if k else None
        choices = [{"index": i, "text": " a", "logprobs": logprobs, "finish_reason": "length"} for i in range(count)]
        tokens = count * (asked.get("max_tokens") or 16)
        return {"id": "cmpl-1", "object": "text_completion", "model": asked["model"], "choices": choices, "usage": usage(tokens)}

    def send(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.transport.write(b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (status, len(data), data))


def usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": tokens + 1}


async def main(options: argparse.Namespace) -> None:
    Engine.options = options
    server = await asyncio.get_running_loop().create_server(Engine, "127.0.0.1", options.port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--gap", type=float, default=0.0)
    try:
        uvloop.run(main(parser.parse_args()))
    except KeyboardInterrupt:
        sys.exit(0)
