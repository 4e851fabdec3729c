"""Blocks of requests on one side and another of a comparison, in turns. Every prompt is another, every answer is checked."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from statistics import median
from typing import Any

from ryot.plugins import Endpoint, NodeError, StageContext
from ryot.stages.bench import columns, generator
from ryot.stages.bench.audit import MOST_CPU
from ryot.stages.bench.orders import Orders, body, fault
from ryot.stages.bench.samples import Sample
from ryot.stages.bench.stage import BenchConfig
from ryot.stages.serve.client import Answer, Ask, load
from ryot.stages.serve.stage import MODEL


@dataclass(frozen=True, slots=True)
class Block:
    """One block of requests on a `side`: from the first request to the last answer in seconds, tokens generated, and the CPU time of the
    clients as a share of a core; and each of its requests, by the monotonic clock. Round 0 is not counted."""

    round: int
    side: int
    requests: int
    seconds: float
    tokens: int
    cpu_share: float
    samples: tuple[Sample, ...] = ()

    @property
    def tokens_per_s(self) -> float:
        """Its throughput."""
        return self.tokens / self.seconds

    @property
    def told(self) -> dict[str, Any]:
        """It without its requests."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "samples"}


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
    samples = tuple(_sample(side, each, answer) for each, answer in zip(taken, answers, strict=True))
    took_s = max(answer.ended_s for answer in answers) - min(answer.begun_s for answer in answers)
    return Block(number, side.number, len(taken), took_s, sum(sample.tokens for sample in samples), share, samples)


def _sample(side: Side, number: int, answer: Answer) -> Sample:
    return Sample(number - side.told.warmup, answer.begun_s, answer.ended_s, right(side, number, answer), "", answer.begun_s)


def right(side: Side, number: int, answer: Answer) -> int:
    """Tokens of the answer to the request with this number. Raises NodeError for one that is not right."""
    tokens, wrong = fault(side.told, side.told.lengths(number)[1], answer.status, answer.body)
    if wrong:
        text = answer.body[:300].decode(errors="replace")
        raise NodeError(f"{side.name}: a request was not answered rightly: {wrong}\n{text}")
    return tokens


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


def keep(name: str, blocks: Sequence[Block], sides: Sequence[Side], config: BenchConfig, context: StageContext, **more: object) -> None:
    """Write the blocks, and `more`, as JSON under a name, and every request as a row of columns.FILE."""
    context.write(name, json.dumps({"blocks": [block.told for block in blocks], **more}, indent=1) + "\n")
    of = {side.number: side for side in sides}
    made = [(of[block.side], block.round, sample) for block in blocks for sample in block.samples]
    first_s = min(sample.intended_s for _, _, sample in made)
    samples = [
        replace(one, intended_s=one.intended_s - first_s, sent_s=one.sent_s - first_s, end_s=one.end_s - first_s) for _, _, one in made
    ]
    lengths = [side.told.batch * side.told.lengths(side.told.warmup + sample.number)[0] for side, _, sample in made]
    beside: dict[str, Sequence[object]] = {"generator": [0] * len(made), "prompt_tokens": lengths}
    beside |= {"side": [side.name for side, _, _ in made], "round": [number for _, number, _ in made]}
    context.write(columns.FILE, columns.packed(samples, config, **beside))


def refuse_busy(blocks: Sequence[Block], sides: Sequence[Side]) -> None:
    """Raise NodeError where the clients had no time left."""
    for side in sides:
        busy = median(block.cpu_share for block in blocks if block.side == side.number)
        if busy > MOST_CPU:
            raise NodeError(
                f"the scenario is not valid: {side.name}: the clients used {busy:.0%} of a core: they were the bottleneck",
                hint="raise output_tokens, or lower users",
            )
