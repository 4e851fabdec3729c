"""The same load on one engine and on several, in turns: throughput, what several lack of as many times one, and how evenly they share.

All engines are up all the time; each number of them has a gateway of its own in front, so that a block on few of them and one on many
follow each other at once, and a machine that slows down slows both.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from ryot.plugins import NodeError, StageContext
from ryot.stages.bench import turns
from ryot.stages.bench.gpus import Gpus
from ryot.stages.bench.metrics import answered
from ryot.stages.bench.stage import BenchConfig, Scaling
from ryot.stages.bench.turns import Block, Side
from ryot.stages.serve import command, front
from ryot.stages.serve.checkpoint import read_checkpoint
from ryot.stages.serve.client import Ask, once
from ryot.stages.serve.settings import tuned
from ryot.stages.serve.stage import ServeConfig
from ryot.stages.serve.work import Engine, launch, ready, stop


def run(config: BenchConfig, asked: Scaling, context: StageContext) -> None:
    """Start the engines that the machine has room for, load them in turns, and measure. Raises NodeError where one does not start or
    answer, or where the clients were the bottleneck."""
    serve, most, why = _room(tuned(asked.serve, context), asked, context)
    counts = [number for number in asked.replicas if number <= most]
    for number in asked.replicas[len(counts) :]:
        for name in ("throughput", "overhead", "evenness") if number > 1 else ():
            context.lack(f"{name}_{number}", f"{number} replicas are more than this machine has room for: {why}")
    with _up(serve, counts, context) as gateways:
        before = {number: _answered(url) for number, url in gateways.items()}
        sides = _sides(config, gateways, context)
        blocks = _blocks(config, asked, sides, context)
        shares = {number: _share(url, before[number], _requests(blocks, number)) for number, url in gateways.items()}
    turns.keep("scaling.json", blocks, sides, config, context, answered=shares)
    _refuse(blocks, shares)
    turns.refuse_busy(blocks, sides)
    _measure(blocks, shares, context)


def _room(serve: ServeConfig, asked: Scaling, context: StageContext) -> tuple[ServeConfig, int, str]:
    """The engines' settings, the same for all; how many of them there is room for, and why no more."""
    machine = command.Machine(context.device, context.cpus)
    if machine.cuda:
        gpus = Gpus()
        have = len(gpus.look())
        gpus.close()
        most, why = have // serve.tensor_parallel, gpus.lacking or f"it has {have} GPUs, and each takes {serve.tensor_parallel}"
    else:
        most, why = context.cpus, f"it has {context.cpus} cores"
    if most < 1:
        raise NodeError(f"there is no room for one replica: {why}")
    up = max(number for number in asked.replicas if number <= most)
    engines = serve.model_copy(update={"replicas": up})
    return engines.model_copy(update={"threads": command.threads(engines, machine)}), most, why


@contextmanager
def _up(serve: ServeConfig, counts: Sequence[int], context: StageContext) -> Iterator[dict[int, str]]:
    """The engines, and for each of the counts the address of a gateway before so many of them, as long as the block lasts."""
    checkpoint = read_checkpoint(context.inputs["model"])
    launched = [launch(serve, context, checkpoint, number) for number in range(max(counts))]
    fronts: list[front.Front] = []
    try:
        told = front.settings(serve, checkpoint, ())
        engines: list[Engine] = [ready(engine, serve, context, checkpoint) for engine in launched]
        for number in counts:
            scratch = context.scratch / f"gateway-{number}"
            scratch.mkdir(parents=True, exist_ok=True)
            behind = told | {"replicas": [engine.url for engine in engines[:number]]}
            fronts.append(front.start(serve.model_copy(update={"port": 0}), behind, replace(context, scratch=scratch)))
        yield {number: gateway.url for number, gateway in zip(counts, fronts, strict=True)}
    finally:
        for process in (*(gateway.process for gateway in fronts), *(engine.process for engine in launched)):
            if process.poll() is None:
                stop(process)


def _sides(config: BenchConfig, gateways: Mapping[int, str], context: StageContext) -> list[Side]:
    told = turns.told(config, context)
    return [Side(number, f"{number} replicas", url, told, config.users * number) for number, url in gateways.items()]


def _blocks(config: BenchConfig, asked: Scaling, sides: Sequence[Side], context: StageContext) -> list[Block]:
    """A block on each number of replicas, round after round; the order is turned around each time."""
    each = max(config.users, math.ceil(config.requests / asked.blocks))
    names = ", ".join(side.name for side in sides)
    context.say(f"{asked.blocks} rounds of {each} requests for each replica, {config.users} users for each, on {names}")
    return turns.rounds(asked.blocks, sides, [each * side.number for side in sides], config.warmup, context)


def _answered(url: str) -> list[int]:
    """Answers of each replica behind a gateway since its start, in their order. Raises NodeError."""
    answer = once(url, Ask("/metrics", method="GET"))
    found = answered(answer.body.decode(errors="replace")) if answer.status == 200 else []
    if not found:
        raise NodeError(f"the gateway does not tell what its replicas answered ({answer.status})")
    return found


def _share(url: str, before: Sequence[int], requests: int) -> list[int]:
    """What each replica answered since. A gateway may count a little after it answered: wait 5 s for all."""
    for _ in range(50):
        found = [now - earlier for now, earlier in zip(_answered(url), before, strict=True)]
        if sum(found) >= requests:
            break
        time.sleep(0.1)
    return found


def _requests(blocks: Sequence[Block], number: int) -> int:
    return sum(block.requests for block in blocks if block.side == number)


def _refuse(blocks: Sequence[Block], shares: Mapping[int, Sequence[int]]) -> None:
    """Raise NodeError where counts do not agree."""
    for number, each in shares.items():
        if sum(each) != (asked := _requests(blocks, number)):
            raise NodeError(f"{asked} requests went to {number} replicas, and the gateway counted {sum(each)} answers")


def _measure(blocks: Sequence[Block], shares: Mapping[int, Sequence[int]], context: StageContext) -> None:
    rates = {number: [block.tokens_per_s for block in blocks if block.side == number and block.round] for number in shares}
    for number, found in rates.items():
        context.measure(f"throughput_{number}", samples=found)
        if number > 1:
            linear = [number * one for one in rates[1]]
            context.measure(f"overhead_{number}", pairs=list(zip(linear, found, strict=True)))
            context.measure(f"evenness_{number}", min(shares[number]) * number / sum(shares[number]))
        context.say(f"{number} replicas: {sum(found) / len(found):.1f} tokens/s, answers {list(shares[number])}")
