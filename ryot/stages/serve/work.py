"""Starts vLLM and waits for its first token. The server's process tree belongs to the node: it ends with it, however that ends."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from ryot.plugins import Endpoint, NodeError, StageContext
from ryot.stages.serve import command, failures, probe
from ryot.stages.serve.checkpoint import Checkpoint, read_checkpoint
from ryot.stages.serve.stage import ServeConfig

_PHASES = (
    ("non-default args", "reading the config"),
    ("Initializing a V1 LLM engine", "starting the engine"),
    ("Starting to load model", "loading weights"),
    ("KV cache size", "reserving the cache"),
    ("Application startup complete", "first token"),
)
_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class _Server:
    """One attempt: the process, where it will listen, its log, and when it was started (monotonic)."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    started: float = field(default_factory=time.monotonic)

    @property
    def waited_s(self) -> float:
        return time.monotonic() - self.started

    def text(self) -> str:
        """What it logged so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def start(config: ServeConfig, context: StageContext) -> Endpoint:
    """Bring the server up. Raises NodeError, with the cause and the end of its log, when no token came in time."""
    checkpoint = read_checkpoint(context.inputs["model"])
    if checkpoint.context is not None and checkpoint.context < config.context:
        raise NodeError(f"the checkpoint's context is {checkpoint.context} tokens, the spec's {config.context}")
    for attempt in range(_ATTEMPTS):
        server, ready = _attempt(config, context, checkpoint, attempt)
        if ready:
            return _endpoint(config, context, checkpoint, server)
        cause = failures.cause_of(server.text(), server.process.returncode)
        if "port" not in cause.words or attempt == _ATTEMPTS - 1:
            break
        context.say("the port was taken between choosing and binding it; trying another")
    end = failures.last_lines(server.text())
    raise NodeError(f"the server ended {server.waited_s:.0f} s after its start: {cause.words}\n{end}", hint=cause.hint)


def _attempt(config: ServeConfig, context: StageContext, checkpoint: Checkpoint, attempt: int) -> tuple[_Server, bool]:
    """Start a server on a port that is held for it until it is ready; False when it ended instead."""
    machine = command.Machine(context.device, context.cpus)
    log = context.scratch / f"server-{attempt}.log"
    log.unlink(missing_ok=True)
    with probe.hold_port(command.HOST) as held:
        port = held.getsockname()[1]
        argv = [context.python, *command.arguments(config, machine, checkpoint.folder, port, recurrent=checkpoint.recurrent)]
        context.say(f"starting {command.shown(argv)}")
        process = context.spawn(argv, env=command.environment(config, machine), log=log)
        server = _Server(process, f"http://{command.HOST}:{port}", log)
        return server, _wait(server, config.start_timeout, context)


def _wait(server: _Server, timeout_s: float, context: StageContext) -> bool:
    """Wait for a token while the process lives. Raises NodeError, after ending the process, when time is up."""
    while server.waited_s < timeout_s:
        if server.process.poll() is not None:
            return False
        _report(server, context)
        if probe.token_came(server.url, command.MODEL, min(15.0, max(timeout_s - server.waited_s, 0.1))):
            context.report(done=len(_PHASES), total=len(_PHASES), unit="phases", phase="ready", force=True)
            return True
        time.sleep(0.25)
    _stop(server.process)
    end = failures.last_lines(server.text())
    raise NodeError(
        f"no token came out of the server within serve.start_timeout, {timeout_s:.0f} s; it last was at: {_phase(server.text())[1]}\n{end}",
        hint="raise serve.start_timeout, or look at the log above",
    )


def _phase(log: str) -> tuple[int, str]:
    """How many phases of the start are behind, and the name of the present one."""
    reached = [index for index, (mark, _) in enumerate(_PHASES) if mark in log]
    return (max(reached), _PHASES[max(reached)][1]) if reached else (0, "loading libraries")


def _report(server: _Server, context: StageContext) -> None:
    done, phase = _phase(server.text())
    context.report(done=done, total=len(_PHASES), unit="phases", phase=phase, seconds=round(server.waited_s, 1))


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _endpoint(config: ServeConfig, context: StageContext, checkpoint: Checkpoint, server: _Server) -> Endpoint:
    """What the nodes that use the server are told. Bytes and seconds; memory is what is reserved, not what is touched."""
    machine = command.Machine(context.device, context.cpus)
    took_s = server.waited_s
    context.say(f"a token came {took_s:.1f} s after the start, at {server.url}")
    info: dict[str, object] = {
        "memory": {"weights": checkpoint.weight_bytes, "kv_cache": config.kv_cache},
        "start_seconds": round(took_s, 3),
        "engine": "vllm",
        "version": probe.engine_version(server.url),
        "pid": server.process.pid,
        "dtype": command.dtype(config, machine),
        "threads": command.threads(config, machine),
        "context": config.context,
    }
    return Endpoint(server.url, command.MODEL, info)
