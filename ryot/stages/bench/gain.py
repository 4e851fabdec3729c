"""What a change is worth: the same load before and after it, in turns, as a ratio with its bounds. What the machine lacks has no number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from ryot.plugins import StageContext, serving_engine
from ryot.stages.bench import turns
from ryot.stages.bench.alike import compared
from ryot.stages.bench.stage import BenchConfig, Gain
from ryot.stages.bench.turns import Block, Side
from ryot.stages.serve import command
from ryot.stages.serve.checkpoint import read_checkpoint
from ryot.stages.serve.settings import tuned
from ryot.stages.serve.stage import ServeConfig, launch_of
from ryot.stages.serve.work import Engine, launch, ready, stop, tolerance

_NAMES = ("before", "after")


def run(config: BenchConfig, asked: Gain, context: StageContext) -> None:
    """Load both sides in turns, and measure; or say what the machine lacks. Raises NodeError where an engine does not start or answer, or
    where the clients were the bottleneck."""
    serve = tuned(asked.serve, context)
    if why := _lacking(serve, asked, context):
        for name in context.declared:
            context.lack(name, why)
        context.warn(f"nothing is measured: {why}")
        return
    with _up(serve, asked, context) as engines:
        sides = _sides(config, asked, engines, context)
        alike = {"alike": asdict(compared(sides, tolerance(serve, context)))} if asked.kv_cache else {}
        blocks = _blocks(config, asked, sides, context)
    turns.keep("gain.json", blocks, sides, config, context, **alike)
    turns.refuse_busy(blocks, sides)
    _measure(config, asked, blocks, context)


def _lacking(serve: ServeConfig, asked: Gain, context: StageContext) -> str:
    """Why the change cannot be measured on this machine; empty where it can."""
    cuda = context.device.startswith("cuda")
    if asked.gpu and not cuda:
        return "this machine has no GPU that could be held against its CPU"
    if asked.gpu and serve.engine == "vllm":
        return "vLLM's build for GPUs does not compute on a CPU; engine: transformers does both"
    engine, wanted = serving_engine(serve.engine), launch_of(_before(serve, asked), context.device, 1, weights=asked.weights)
    if why := engine.refusal(wanted):
        return why
    if asked.kv_cache and not getattr(engine, "recomputes", False):
        return f"the engine {serve.engine} does not say that it can serve without a KV cache; engine: transformers can"
    return ""


def _before(serve: ServeConfig, asked: Gain) -> ServeConfig:
    return serve.model_copy(update={"cached": False}) if asked.kv_cache else serve


@contextmanager
def _up(serve: ServeConfig, asked: Gain, context: StageContext) -> Iterator[list[Engine]]:
    """The engine before and the one after, which are one where only the requests differ; each has half of the cores, if they are two."""
    parts = _parts(serve, asked, context)
    started: list[Engine] = []
    try:
        for number, (how, where, folder) in enumerate(parts):
            started.append(launch(how, where, read_checkpoint(folder), number))
        engines = [ready(engine, how, where, read_checkpoint(folder)) for engine, (how, where, folder) in zip(started, parts, strict=True)]
        yield [engines[0], engines[-1]]
    finally:
        for engine in started:
            if engine.process.poll() is None:
                stop(engine.process)


def _parts(serve: ServeConfig, asked: Gain, context: StageContext) -> list[tuple[ServeConfig, StageContext, Path]]:
    """The settings, the place and the model of each engine that is to be started."""
    both = asked.gpu or asked.kv_cache or bool(asked.weights)
    machine = command.Machine(context.device, context.cpus)
    threads = serve.threads or max(context.cpus // 2, 1) if both else command.threads(serve, machine)
    one, model = serve.model_copy(update={"replicas": 1, "threads": threads}), context.inputs["model"]
    before = (_before(one, asked), replace(context, device="cpu") if asked.gpu else context, model)
    return [before, (one, context, context.inputs.get("candidate", model))] if both else [before]


def _sides(config: BenchConfig, asked: Gain, engines: Sequence[Engine], context: StageContext) -> list[Side]:
    told = turns.told(config, context)
    batches = (1, asked.batch) if asked.batch else (config.batch, config.batch)
    return [
        Side(number, name, engine.url, replace(told, batch=batch), config.users)
        for number, (name, engine, batch) in enumerate(zip(_NAMES, engines, batches, strict=True))
    ]


def _blocks(config: BenchConfig, asked: Gain, sides: Sequence[Side], context: StageContext) -> list[Block]:
    """A block of as many prompts on each side, round after round; who begins alternates."""
    most = max(side.told.batch for side in sides)
    prompts = most * max(config.users, math.ceil(config.requests / asked.blocks / most))
    context.say(f"{asked.blocks} rounds of {prompts} prompts before and after, {config.users} users")
    return turns.rounds(asked.blocks, sides, [prompts // side.told.batch for side in sides], config.warmup, context)


def _measure(config: BenchConfig, asked: Gain, blocks: Sequence[Block], context: StageContext) -> None:
    sides = [[block for block in blocks if block.side == number and block.round] for number in (0, 1)]
    for name, found in zip(_NAMES, sides, strict=True):
        context.measure(f"tokens_per_s_{name}", samples=[block.tokens_per_s for block in found])
    # Seconds a token, so that drawn lengths, of which the sides have others, do not count as speed.
    context.measure("speedup", pairs=[tuple(block.seconds / block.tokens for block in pair) for pair in zip(*sides, strict=True)])
    low, high = context.bounds("speedup")
    context.say(f"{config.scenario}: {_change(asked)}: {low:.2f} to {high:.2f} times as fast")


def _change(asked: Gain) -> str:
    if asked.batch:
        return f"{asked.batch} prompts in a request"
    if asked.weights:
        return f"weights in {asked.weights}"
    return "a KV cache" if asked.kv_cache else "a GPU"
