"""Stages that do next to nothing, for tests of the engine: they count, fail, leave strays behind, serve and ask."""

import os
import signal
import sys
import urllib.request
from pathlib import Path
from typing import Annotated

from ryot.plugins import Circumstance, Endpoint, Measure, NodeError, Service, Stage, StageConfig, StageContext, write_durable

STRAY = """
import ctypes, os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
for _ in range(2):
    if os.fork(): os._exit(0) if _ else time.sleep(600)
    os.setsid()
ctypes.CDLL(None).prctl(15, b"innocent", 0, 0, 0)
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(600)
"""

CHAT = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"hello"
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
open(sys.argv[1] + ".part", "w").write(str(server.server_port))
import os; os.rename(sys.argv[1] + ".part", sys.argv[1])
server.serve_forever()
"""


class CountConfig(StageConfig):
    steps: int = 3
    words: str = "x"
    fail: bool = False
    gate: Annotated[str, Circumstance] = ""
    """A named pipe; the stage reads it before every step, so that a test decides when it goes on."""
    fail_while: Annotated[str, Circumstance] = ""
    """The stage fails as long as this file exists."""


class Count(Stage):
    """Counts to `steps`, one durable step at a time, and goes on from where it was."""

    name = "count"
    Config = CountConfig
    takes = "documents"
    gives = "documents"
    measures = (Measure(name="steps", kind="exact"), Measure(name="resumed", kind="exact"), Measure(name="wins", kind="proportion"))

    def run(self, config: CountConfig, context: StageContext) -> None:
        progress = context.scratch / "steps"
        done = resumed = int(progress.read_text()) if progress.exists() else 0
        while done < config.steps:
            if config.gate:
                Path(config.gate).read_text()
            done += 1
            write_durable(progress, str(done))
            context.report(done=done, total=config.steps, unit="step", force=True, loss=1 / done)
        if config.fail or (config.fail_while and Path(config.fail_while).exists()):
            raise NodeError("asked to fail", hint="ask it not to")
        text = "".join(sorted(p.read_text() for folder in context.inputs.values() for p in folder.glob("*.txt")))
        context.write("count.txt", f"{text}{config.words}{done}\n")
        context.measure("steps", done)
        context.measure("resumed", resumed)
        context.measure("wins", hits=done, of=done)


class StrayConfig(StageConfig):
    pid_file: Annotated[str, Circumstance] = ""
    ends: str = "waits"


class Stray(Stage):
    """Starts a process that ignores signals, leaves its session twice and takes another name; then ends as it is told."""

    name = "stray"
    Config = StrayConfig
    takes = gives = "documents"

    def run(self, config: StrayConfig, context: StageContext) -> None:
        context.spawn([sys.executable, "-c", STRAY, config.pid_file])
        while not Path(config.pid_file).exists() or not Path(config.pid_file).read_text():
            os.sched_yield()
        if config.ends == "crashes":
            os.kill(os.getpid(), signal.SIGKILL)
        if config.ends == "waits":
            signal.pause()


class ChatConfig(StageConfig):
    broken: bool = False


class Chat(Service):
    """A web server that says hello."""

    name = "chat"
    Config = ChatConfig

    def start(self, config: ChatConfig, context: StageContext) -> Endpoint:
        if config.broken:
            raise NodeError("the server has no words")
        port = context.scratch / "port"
        port.unlink(missing_ok=True)
        child = context.spawn([sys.executable, "-c", CHAT, str(port)])
        while not port.exists():
            if child.poll() is not None:
                raise NodeError("the server ended")
            os.sched_yield()
        return Endpoint(f"http://127.0.0.1:{port.read_text()}", info={"pid": child.pid})


class Lost(Stage):
    """Its heavy half needs what is not installed."""

    name = "lost"
    Config = StageConfig
    work = "package_that_is_not_there.work:run"


class AskConfig(StageConfig):
    times: int = 1
    kill: bool = False


class Ask(Stage):
    """Asks the chat service, or kills it and waits."""

    name = "ask"
    Config = AskConfig
    measures = (Measure(name="answers", kind="exact"),)

    def run(self, config: AskConfig, context: StageContext) -> None:
        if config.kill:
            os.kill(int(str(context.services["chat"].info["pid"])), signal.SIGKILL)
            signal.pause()
        for _ in range(config.times):
            with urllib.request.urlopen(context.services["chat"].url, timeout=10) as answer:
                assert answer.read() == b"hello"
        context.measure("answers", config.times)
