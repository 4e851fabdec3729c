"""Two engines asked the same in turns, and whether they answer the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from ryot.plugins import NodeError
from ryot.stages.autotune.stage import AutotuneConfig, LoadConfig
from ryot.stages.serve.client import Answer, Ask, load
from ryot.stages.serve.stage import MODEL

BLOCK_S, LEAST_BLOCK_S, MOST_REQUESTS = 1.0, 0.1, 100
"""Seconds that a block of requests is to take, at most and at least, and its most requests."""
MOST_NATS, MOST_NATS_ROUNDED = 1e-2, 5e-2
"""What a token's log-probability may differ by: at most, in the same arithmetic; in the mean, in another."""
_PROMPTS, _PROMPT_TOKENS = 8, 48

Pair = tuple[float, float]


@dataclass
class Turns:
    """Blocks of requests under the loads of a config. Every prompt is drawn anew, so that no cache of prefixes answers."""

    config: AutotuneConfig
    block_s: float = BLOCK_S
    sizes: dict[str, int] = field(default_factory=dict)
    blocks_s: dict[str, float] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=count)

    def settle(self, url: str) -> None:
        """How many requests of each load make a block: asked of the first engine, after one that warms it up."""
        for each in self.config.loads:
            self._seconds(url, each, each.users)
            took = self._seconds(url, each, each.users) / each.users
            self.sizes[each.name] = min(max(each.users, math.ceil(self.block_s / took)), max(MOST_REQUESTS, each.users))
            self.blocks_s[each.name] = self.sizes[each.name] * took

    @property
    def expected_s(self) -> float:
        """Seconds that the pairs of one candidate take, by what was seen of the first engine: each client asks once at least, however long
        that takes."""
        return 2 * (self.config.rounds + 1) * sum(self.blocks_s.values())

    def pairs(self, before: str, after: str, rounds: int) -> list[Pair]:
        """Of each round the time that a request takes on both, as the geometric mean over the loads; who begins alternates. A round that is
        not counted comes first."""
        found = [self._round((before, after), number) for number in range(rounds + 1)]
        return found[1:]

    def _round(self, urls: tuple[str, str], number: int) -> Pair:
        logs = [0.0, 0.0]
        for at, each in enumerate(self.config.loads):
            for side in (0, 1) if (number + at) % 2 == 0 else (1, 0):
                logs[side] += math.log(self._seconds(urls[side], each, self.sizes[each.name]) / self.sizes[each.name])
        return math.exp(logs[0] / len(self.config.loads)), math.exp(logs[1] / len(self.config.loads))

    def _seconds(self, url: str, each: LoadConfig, requests: int) -> float:
        """Seconds from the first request to the last answer. Raises NodeError where one is not answered."""
        asked = [self._ask(each) for _ in range(requests)]
        answers = load(url, asked, each.users)
        _refuse(answers)
        return max(answer.ended_s for answer in answers) - min(answer.begun_s for answer in answers)

    def _ask(self, each: LoadConfig) -> Ask:
        random = np.random.default_rng([self.config.seed, next(self._numbers)])
        prompts = random.integers(3, self.config.vocab_size, (each.batch, each.prompt_tokens)).tolist()
        fields = {"model": MODEL, "prompt": prompts, "max_tokens": each.output_tokens, "temperature": 0, "ignore_eos": True}
        return Ask("/v1/completions", fields)


def logprobs(url: str, config: AutotuneConfig) -> list[float]:
    """Log-probabilities (nats) of the tokens of a few prompts, which do not depend on what is generated."""
    random = np.random.default_rng(config.seed)
    length = min(_PROMPT_TOKENS, config.serve.context - 1)
    prompts = random.integers(3, config.vocab_size, (_PROMPTS, length)).tolist()
    fields = {"model": MODEL, "max_tokens": 1, "temperature": 0, "echo": True, "logprobs": 1}
    answers = load(url, [Ask("/v1/completions", fields | {"prompt": [prompt]}) for prompt in prompts], 1)
    _refuse(answers)
    found = [answer.json["choices"][0]["logprobs"]["token_logprobs"][1:length] for answer in answers]
    return [float(value) for values in found for value in values]


def disagreement(one: Sequence[float], other: Sequence[float], *, rounded: bool) -> str:
    """What two engines differ by beyond what is allowed; empty where they agree. `rounded`: they compute in different types."""
    differences = [abs(mine - theirs) for mine, theirs in zip(one, other, strict=True)]
    if rounded:
        mean = sum(differences) / len(differences)
        return f"its log-probabilities differ by {mean:.3f} nats in the mean" if not mean <= MOST_NATS_ROUNDED else ""
    most = max(differences)
    return f"a log-probability differs by {most:.3f} nats" if not most <= MOST_NATS else ""


def _refuse(answers: Sequence[Answer]) -> None:
    for answer in answers:
        if answer.status != 200:
            raise NodeError(f"the engine answered {answer.status}: {answer.body[:300].decode(errors='replace')}")
