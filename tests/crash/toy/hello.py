"""A service that says hello, with a child that will not end: it ignores signals, leaves its session twice and takes another name."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ryot.plugins import Endpoint, Facts, Node, NodeError, Service, StageConfig, StageContext

if TYPE_CHECKING:  # a worker needs no spec, and it takes half as long to start without
    from ryot.plugins import Spec

STRAY = """
import ctypes, os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
for last in (0, 1):
    if os.fork(): os._exit(0) if last else time.sleep(600)
    os.setsid()
ctypes.CDLL(None).prctl(15, b"innocent", 0, 0, 0)
time.sleep(600)
"""
SERVER = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "5"); self.end_headers(); self.wfile.write(b"hello")
    def log_message(self, *said): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
os.write(int(sys.argv[1]), b"%d\\n" % server.server_port)
server.serve_forever()
"""


def start_stray(context: StageContext) -> None:
    """Start the child that will not end."""
    context.spawn([sys.executable, "-S", "-c", STRAY])


class Hello(Service):
    """Comes up for `call`."""

    name = "hello"
    Config = StageConfig
    takes = "weights"
    gives = "weights"

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        yield Node("hello", "hello", StageConfig())

    def start(self, config: StageConfig, context: StageContext) -> Endpoint:
        start_stray(context)
        ours, theirs = os.pipe()
        context.spawn([sys.executable, "-c", SERVER, str(theirs)], pass_fds=(theirs,))
        os.close(theirs)
        with os.fdopen(ours) as told:
            port = told.readline().strip()
        if not port:
            raise NodeError("the server ended")
        return Endpoint(f"http://127.0.0.1:{port}")
