"""Whether two engines answer alike: the same prompts to both, token by token. One that is quicker by other answers is no gain."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ryot.plugins import NodeError
from ryot.stages.bench.orders import body
from ryot.stages.bench.turns import Side, right
from ryot.stages.serve.client import Ask, once

PROMPTS = 4
"""Requests, with prompts that no block has."""
_TOLD = {"logprobs": 5, "return_tokens_as_token_ids": True}


@dataclass(frozen=True, slots=True)
class Alike:
    """Tokens that were compared, the largest difference of their log-probabilities (nats), and answers that went different ways where two
    tokens were as likely; what follows there is not compared."""

    tokens: int
    nats: float
    parted: int


def compared(sides: Sequence[Side], tolerance: float) -> Alike:
    """Ask both. Raises NodeError where one does not answer, or where the answers differ by more than `tolerance` nats."""
    before, after = ([choice for number in range(-PROMPTS, 0) for choice in _choices(side, number)] for side in sides)
    return alike(before, after, tolerance)


def alike(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], tolerance: float) -> Alike:
    """Hold the `logprobs` of completions against each other, choice by choice. Raises NodeError where they differ."""
    tokens, nats, parted = 0, 0.0, 0
    for choice, (one, other) in enumerate(zip(before, after, strict=True)):
        for place, (mine, theirs) in enumerate(zip(one["top_logprobs"], other["top_logprobs"], strict=True)):
            first, second = one["tokens"][place], other["tokens"][place]
            off = [abs(mine.get(name, math.inf) - theirs.get(name, -math.inf)) for name in (first, second)]
            if not all(each <= tolerance for each in off) or mine[first] - mine[second] > 2 * tolerance:
                what = f"token {place + 1} of answer {choice + 1} is {first} ({mine[first]:.4f} nats) before"
                message = f"the two sides answer otherwise: {what} and {second} ({theirs[second]:.4f}) after"
                raise NodeError(message, hint="what is quicker by other answers is no gain")
            tokens, nats = tokens + 1, max(nats, *off)
            if first != second:
                parted += 1
                break
    return Alike(tokens, nats, parted)


def _choices(side: Side, number: int) -> list[Mapping[str, Any]]:
    answer = once(side.url, Ask("/v1/completions", json.loads(body(side.told, number)) | _TOLD))
    right(side, number, answer)
    choices = sorted(answer.json["choices"], key=lambda choice: choice["index"])
    told: list[Mapping[str, Any]] = [choice["logprobs"] for choice in choices if choice.get("logprobs")]
    if len(told) < len(choices):
        raise NodeError(f"{side.name}: the server does not tell how likely its tokens are")
    return told
