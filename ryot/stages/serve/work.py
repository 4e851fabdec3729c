"""Starts engines, waits for a token of each, and puts the gateway before them. The process tree belongs to the node: it ends with it,
however that ends."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ryot.plugins import Endpoint, NodeError, StageContext, processes, serving_engine
from ryot.stages.serve import answers, command, failures, front, probe
from ryot.stages.serve.checkpoint import Checkpoint, read_checkpoint
from ryot.stages.serve.elsewhere.order import Order
from ryot.stages.serve.leash import on_leash
from ryot.stages.serve.settings import tuned
from ryot.stages.serve.stage import LAUNCHED, MODEL, ServeConfig

_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Engine:
    """One attempt: the process, where it will listen, its log, the socket that holds its port, the phases of its start as its log tells
    them, and when it was started (monotonic)."""

    number: int
    process: subprocess.Popen[bytes]
    url: str
    log: Path
    held: socket.socket
    phases: tuple[tuple[str, str], ...]
    started: float = field(default_factory=time.monotonic)
    took_s: float = 0.0
    """Seconds from its start to its first token; 0 before that."""

    @property
    def waited_s(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.started

    def text(self) -> str:
        """What it logged so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def phase(self) -> tuple[int, str]:
        """How many phases of the start are behind, and the name of the present one."""
        log = self.text()
        reached = [index for index, (mark, _) in enumerate(self.phases) if mark in log]
        return (max(reached), self.phases[max(reached)][1]) if reached else (0, "loading libraries")


def start(config: ServeConfig, context: StageContext) -> Endpoint:
    """Bring the engines up, then the gateway. Raises NodeError, with the cause and the end of a log, when no token came in time, or when
    the tokens are those of another model."""
    if config.up:
        return Endpoint(config.up.url, config.up.model, config.up.info)
    config = tuned(config, context)
    checkpoint = read_checkpoint(context.inputs["model"])
    if checkpoint.context is not None and checkpoint.context < config.context:
        raise NodeError(f"the checkpoint's context is {checkpoint.context} tokens, the spec's {config.context}")
    launched = [launch(config, context, checkpoint, number) for number in range(config.replicas)]
    told = front.settings(config, checkpoint, ())  # while they load what this reads
    engines = [ready(engine, config, context, checkpoint) for engine in launched]
    for engine in engines:
        context.say(answers.refuse_other(engine.url, MODEL, checkpoint.folder, tolerance(config, context)))
    gateway = front.start(config, told | {"replicas": [engine.url for engine in engines]}, context)
    return _endpoint(config, context, checkpoint, engines, gateway)


def tolerance(config: ServeConfig, context: StageContext) -> float:
    """How far the log-probabilities of right answers may lie apart, in nats, by the engine's arithmetic and the device."""
    machine = command.Machine(context.device, context.cpus)
    return answers.EXACT if command.dtype(config, machine) == "fp32" and not machine.cuda else answers.COARSE


def launch(config: ServeConfig, context: StageContext, checkpoint: Checkpoint, number: int) -> Engine:
    """Start an engine on a port that is held for it until it is ready."""
    machine = command.Machine(context.device, context.cpus)
    log = context.scratch / f"engine-{number}.log"
    log.unlink(missing_ok=True)
    held = probe.hold_port(command.HOST)
    port = held.getsockname()[1]
    if config.ray:
        argv = [context.python, *_tethered(config, context, checkpoint, number, port)]
    else:
        argv = [context.python, *on_leash(command.arguments(config, machine, checkpoint.folder, port, recurrent=checkpoint.recurrent))]
    context.say(f"starting {command.shown(argv)}")
    process = context.spawn(argv, env=_environment(config, machine, number), log=log, replica=config.replicas > 1)
    return Engine(number, process, f"http://{command.HOST}:{port}", log, held, serving_engine(config.engine).phases)


def _tethered(config: ServeConfig, context: StageContext, checkpoint: Checkpoint, number: int, port: int) -> list[str]:
    """What follows the interpreter for an engine on a machine of the cluster. The order has the token of its gate: for this user only."""
    machine = command.Machine(context.device, context.cpus)
    threads = command.threads(config, machine)
    gpus = config.tensor_parallel if machine.cuda else 0
    alone = config.model_copy(update={"ray": None, "replicas": 1, "threads": threads})
    order = Order(alone.model_dump(), str(checkpoint.folder), machine.device, threads, gpus, port, checkpoint.recurrent)
    path = context.scratch / f"order-{number}.json"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(order.text())
    return ["-m", "ryot.stages.serve.elsewhere.tether", str(path), config.ray or "auto"]


def ready(engine: Engine, config: ServeConfig, context: StageContext, checkpoint: Checkpoint) -> Engine:
    """The engine, or another one in its stead where its port was taken, once a token came out of it. Raises NodeError."""
    for attempt in range(_ATTEMPTS):
        with engine.held:
            if _wait(engine, config.start_timeout, context):
                return replace(engine, took_s=engine.waited_s)
        cause = failures.cause_of(engine.text(), engine.process.returncode)
        if "port" not in cause.words or attempt == _ATTEMPTS - 1:
            break
        context.say("the port was taken between choosing and binding it; trying another")
        engine = launch(config, context, checkpoint, engine.number)
    end = failures.last_lines(engine.text())
    raise NodeError(f"the server ended {engine.waited_s:.0f} s after its start: {cause.words}\n{end}", hint=cause.hint)


def revive(config: ServeConfig, context: StageContext, number: int) -> bool:
    """Start engine `number` again where the gateway looks for it, and put it in its place."""
    context.replicas[number] = again(context.replicas[number], tuned(config, context), context, number)
    return True


def again(ended: subprocess.Popen[bytes], config: ServeConfig, context: StageContext, number: int) -> subprocess.Popen[bytes]:
    """An engine in the place of one that has ended: the command line is the one it had. Its old log is kept; what it left is ended."""
    processes.end_session(ended.pid)
    machine, log = command.Machine(context.device, context.cpus), context.scratch / f"engine-{number}.log"
    log.replace(context.scratch / f"engine-{number}-before.log")
    argv = [str(part) for part in ended.args]  # type: ignore[union-attr]
    return context.spawn(argv, env=_environment(config, machine, number), log=log)


def _environment(config: ServeConfig, machine: command.Machine, number: int) -> dict[str, str]:
    return {**command.withheld(), **command.environment(config, machine, number)}


def _wait(server: Engine, timeout_s: float, context: StageContext) -> bool:
    """Wait for a token while the process lives. Raises NodeError, after ending the process, when time is up."""
    while server.waited_s < timeout_s:
        if server.process.poll() is not None:
            return False
        _report(server, context)
        if probe.token_came(server.url, MODEL, min(15.0, max(timeout_s - server.waited_s, 0.1))):
            context.report(done=len(server.phases), total=len(server.phases), unit="phases", phase="ready", force=True)
            return True
        time.sleep(0.25)
    stop(server.process)
    end = failures.last_lines(server.text())
    raise NodeError(
        f"no token came out of the server within serve.start_timeout, {timeout_s:.0f} s; it last was at: {server.phase()[1]}\n{end}",
        hint="raise serve.start_timeout, or look at the log above",
    )


def _report(server: Engine, context: StageContext) -> None:
    done, phase = server.phase()
    context.report(done=done, total=len(server.phases), unit="phases", phase=phase, seconds=round(server.waited_s, 1))


def stop(process: subprocess.Popen[bytes]) -> None:
    """End an engine: asked, and after ten seconds not asked."""
    process.terminate()
    try:
        process.wait(10.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    processes.end_session(process.pid)


def _endpoint(
    config: ServeConfig, context: StageContext, checkpoint: Checkpoint, engines: Sequence[Engine], gateway: front.Front
) -> Endpoint:
    """What the nodes that use the server are told. Bytes and seconds; memory is what all engines reserve, not what they touch."""
    machine = command.Machine(context.device, context.cpus)
    took_s = max(engine.took_s for engine in engines)
    context.say(f"a token came {took_s:.1f} s after the start; the gateway listens at {gateway.url}")
    info: dict[str, object] = {
        "memory": {"weights": len(engines) * checkpoint.weight_bytes, "kv_cache": len(engines) * config.kv_cache * config.tensor_parallel},
        "start_seconds": round(took_s, 3),
        "engine": config.engine,
        "version": probe.engine_version(engines[0].url),
        "engines": [engine.url for engine in engines],
        "pids": [] if config.ray else [engine.process.pid for engine in engines],
        "gateway_pid": gateway.process.pid,
        "dtype": command.dtype(config, machine),
        "threads": command.threads(config, machine),
        "context": config.context,
        "settings": config.model_dump(include={*LAUNCHED, "threads"}),
    }
    return Endpoint(gateway.url, MODEL, info)
