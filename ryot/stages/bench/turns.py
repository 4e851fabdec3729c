"""Blocks of requests on one side and another of a comparison, in turns. Every prompt is another, every answer is checked."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from ryot.plugins import Endpoint, NodeError, StageContext
from ryot.stages.bench import generator
from ryot.stages.bench.audit import MOST_CPU
from ryot.stages.bench.orders import Orders, body, fault
from ryot.stages.bench.stage import BenchConfig
from ryot.stages.serve.client import Ask, load
from ryot.stages.serve.stage import MODEL


@dataclass(frozen=True, slots=True)
class Block:
    """One block of requests on a `side`: from the first request to the last answer in seconds, tokens generated, and the CPU time of the
    clients as a share of a core. Round 0 is not counted."""

    round: int
    side: int
    requests: int
    seconds: float
    tokens: int
    cpu_share: float

    @property
    def tokens_per_s(self) -> float:
        """Its throughput."""
        return self.tokens / self.seconds


@dataclass(frozen=True, slots=True)
class Side:
    """What is loaded: its number and name, where it listens, what is asked there, and by how many users."""

    number: int
    name: str
    url: str
    told: Orders
    users: int


def made(side: Side, number: int, taken: Sequence[int]) -> Block:
    """A block of the requests with these numbers. Raises NodeError for an answer that is not right."""
    asked = [Ask("/v1/completions", body(side.told, each), headers={"Cache-Control": "no-cache"}) for each in taken]
    began_s, cpu_s = time.monotonic(), time.process_time()
    answers = load(side.url, asked, side.users)
    share = (time.process_time() - cpu_s) / max(time.monotonic() - began_s, 1e-9)
    tokens = 0
    for each, answer in zip(taken, answers, strict=True):
        found, wrong = fault(side.told, side.told.lengths(each)[1], answer.status, answer.body)
        if wrong:
            text = answer.body[:300].decode(errors="replace")
            raise NodeError(f"{side.name}: a request was not answered rightly: {wrong}\n{text}")
        tokens += found
    took_s = max(answer.ended_s for answer in answers) - min(answer.begun_s for answer in answers)
    return Block(number, side.number, len(taken), took_s, tokens, share)


def told(config: BenchConfig, context: StageContext) -> Orders:
    """The scenario's orders, for a server of the node's own, whose address each side has."""
    return generator.orders(config, replace(context, services={"serve": Endpoint("", MODEL)}))


def rounds(many: int, sides: Sequence[Side], requests: Sequence[int], first: int, context: StageContext) -> list[Block]:
    """A block of so many `requests` on each side, in `many` rounds after one that does not count; the order is turned around each time.
    The requests have the numbers from `first` on."""
    numbers, found = itertools.count(first), list[Block]()
    blocks = list(zip(sides, requests, strict=True))
    for number in range(many + 1):
        for side, each in blocks if number % 2 == 0 else reversed(blocks):
            found.append(made(side, number, [next(numbers) for _ in range(each)]))
        context.report(done=number, total=many, unit="rounds", tokens_per_s=round(found[-1].tokens_per_s, 1))
    return found


def refuse_busy(blocks: Sequence[Block], sides: Sequence[Side]) -> None:
    """Raise NodeError where the clients had no time left."""
    for side in sides:
        busy = median(block.cpu_share for block in blocks if block.side == side.number)
        if busy > MOST_CPU:
            raise NodeError(
                f"the scenario is not valid: {side.name}: the clients used {busy:.0%} of a core: they were the bottleneck",
                hint="raise output_tokens, or lower users",
            )
