"""A small server that speaks enough of the OpenAI API, of /health and of vLLM's /metrics for the tests, with faults on demand.

python fake_openai.py --port 0 --ready-file F [--delay-ms 50] [--fail-every 5] [--short-every 7] [--hang-every 9] [--reset-every 11] ...
More switches are read from the environment variable FAKE_OPENAI.
"""

import argparse
import json
import os
import shlex
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class State:
    """What the server did so far."""

    def __init__(self, options):
        self.options, self.lock = options, threading.Lock()
        self.requests = self.finished = self.waiting = 0

    def next_number(self):
        with self.lock:
            self.requests += 1
            return self.requests


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def log_message(self, *arguments):
        """Quiet."""

    def do_GET(self):
        state = self.server.state
        if self.path == "/metrics":
            lines = [
                f'vllm:num_requests_waiting{{engine="0"}} {float(state.options.waiting)}',
                f'vllm:request_success_total{{engine="0",finished_reason="length"}} {float(state.finished)}',
                'vllm:request_success_total{engine="0",finished_reason="abort"} 0.0',
            ]
            self.answer(200, "\n".join(lines).encode())
        else:
            self.answer(200, json.dumps({"version": "fake"}).encode())

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        state, options = self.server.state, self.server.state.options
        if options.never_ready:
            time.sleep(3600)
        number = state.next_number()
        if options.die_after and number >= options.die_after:
            os._exit(3)
        time.sleep(options.delay_ms / 1e3)
        if self.is_faulty(number, options):
            return
        prompts = len(body["prompt"])
        with state.lock:
            state.finished += prompts + (1 if options.miscount else 0)
        tokens = prompts * (body.get("max_tokens", 1) - (1 if options.skimp_every and number % options.skimp_every == 0 else 0))
        choices = [{"index": i, "text": "x", "finish_reason": "length"} for i in range(prompts)]
        if options.short_every and number % options.short_every == 0:
            choices = choices[1:]
        self.answer(200, json.dumps({"choices": choices, "usage": {"completion_tokens": tokens}}).encode())

    def is_faulty(self, number, options):
        """Do wrong what is wanted wrong for request `number`, counted from 1."""
        if options.hang_every and number % options.hang_every == 0:
            time.sleep(options.hang_s)
            self.close_connection = True
        elif options.reset_every and number % options.reset_every == 0:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close_connection = True
        elif options.fail_every and number % options.fail_every == 0:
            self.answer(500, b'{"error": "made up"}')
        else:
            return False
        return True

    def answer(self, status, data):
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready-file")
    for name in ("delay-ms", "waiting", "hang-s"):
        parser.add_argument(f"--{name}", type=float, default=0.0)
    for name in ("die-after", "fail-every", "short-every", "skimp-every", "hang-every", "reset-every"):
        parser.add_argument(f"--{name}", type=int, default=0)
    parser.add_argument("--never-ready", action="store_true")
    parser.add_argument("--miscount", action="store_true")
    parser.add_argument("--die-at-start", help="print this and end with exit code 1")
    parser.add_argument("--die-once", help="a file: make it and end as if the port were taken, unless it is there")
    options, _ = parser.parse_known_args([*sys.argv[1:], *shlex.split(os.environ.get("FAKE_OPENAI", ""))])
    if options.die_at_start:
        sys.exit(options.die_at_start)
    if options.die_once and not Path(options.die_once).exists():
        Path(options.die_once).touch()
        sys.exit("OSError: [Errno 98] Address already in use")
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.daemon_threads = True
    server.state = State(options)
    if options.ready_file:
        Path(options.ready_file).write_text(str(server.server_port))
    server.serve_forever()


if __name__ == "__main__":
    main()
