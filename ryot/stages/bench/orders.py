"""What the generator is told, and the requests it makes. Shared by the node and by Locust's process; standard library only."""

from __future__ import annotations

import functools
import json
import math
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

VARIABLE = "RYOT_BENCH_ORDERS"
"""The environment variable that tells Locust's process where its orders lie."""


@dataclass(frozen=True, slots=True)
class Orders:
    """A scenario as the generator needs it; paths absolute, `timeout` in seconds.

    With a `page`, the file that is told its port, the load has no end, and its page starts and stops it.
    A closed loop has `users`, who ask for `duration` seconds, where that is not 0, and until `requests` are made; they pause for `think`
    seconds between answer and request (by `pauses` all alike, or exponential). An open one has a `rate` in requests a second, arrivals by
    its `distribution`, and `max_in_flight`; or `steps` of (requests a second, seconds, requests); or the times of its `trace`.
    Of several `workers` this is for the one with the number `worker`, which makes one of each so many requests; their master tells its
    port in the file `port`.
    Lengths go from `prompt_tokens` to `prompt_most`, where that is not 0, and likewise of outputs; or they are those of the `trace`, a file
    of JSON, `[[prompt tokens, output tokens, seconds or null], ...]`.
    """

    url: str
    model: str
    scenario: str
    users: int
    requests: int
    warmup: int
    batch: int
    prompt_tokens: int
    output_tokens: int
    timeout: float
    vocab_size: int
    seed: int
    samples: str
    summary: str
    rate: float | None = None
    distribution: str = "constant"
    max_in_flight: int = 1
    stream: bool = False
    page: str = ""
    think: float = 0.0
    pauses: str = "constant"
    prompt_most: int = 0
    output_most: int = 0
    trace: str = ""
    replay: bool = False
    duration: float = 0.0
    steps: tuple[tuple[float, float, int], ...] = ()
    worker: int = 0
    workers: int = 1
    port: str = ""

    @property
    def shares(self) -> tuple[int, int]:
        """How many requests of the warm-up, and how many counted ones, this worker makes."""
        warm, counted = (len(range(self.worker, count, self.workers)) for count in (self.warmup, self.requests))
        return warm, counted

    def number(self, turn: int) -> int:
        """The number, over warm-up and all and over all workers, of the request that this worker makes at its `turn`, counted from 0."""
        warm, _ = self.shares
        later = turn - warm
        return self.worker + turn * self.workers if later < 0 else self.warmup + self.worker + later * self.workers

    @property
    def open(self) -> bool:
        """Whether requests have times of their own."""
        return self.replay or bool(self.steps) or self.rate is not None

    @property
    def spans(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The least and the most tokens of prompts and of outputs; the most is 0 where it is always the least."""
        return (self.prompt_tokens, self.prompt_most), (self.output_tokens, self.output_most)

    @property
    def mean_rate(self) -> float:
        """Requests a second of an open loop, over its whole time."""
        if self.steps:
            return self.requests / sum(lasts_s for _, lasts_s, _ in self.steps)
        if not self.replay:
            return self.rate or 1.0
        return self.requests / (traced(self.trace)[self.requests - 1][2] or 1.0)

    def lengths(self, number: int) -> tuple[int, int]:
        """Tokens of the prompts and of the answers of the request with this number, counted over warm-up and all. A trace that has an end
        begins again."""
        if self.trace:
            rows = traced(self.trace)
            return rows[(number - self.warmup) % len(rows)][:2]
        if not (self.prompt_most or self.output_most):
            return self.prompt_tokens, self.output_tokens
        draw = random.Random(f"{self.seed} {self.scenario} {number} lengths")  # noqa: S311 - a load, not a secret
        prompt, output = (draw.randint(least, most) if most else least for least, most in self.spans)
        return prompt, output

    def pause_s(self, number: int) -> float:
        """Seconds for which whoever made the request with this number waits after its answer."""
        if self.pauses == "constant":
            return self.think
        draw = random.Random(f"{self.seed} {self.scenario} {number} pause")  # noqa: S311 - a load, not a secret
        return -math.log(1.0 - draw.random()) * self.think

    def save(self, path: Path) -> None:
        """Write them for the generator."""
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, path: Path) -> Orders:
        """Read what `save` wrote."""
        fields = json.loads(path.read_text())
        return cls(**fields | {"steps": tuple(tuple(step) for step in fields["steps"])})


@functools.cache
def traced(path: str) -> Sequence[tuple[int, int, float | None]]:
    """The rows of a trace that the node has read."""
    return [(prompt, output, at) for prompt, output, at in json.loads(Path(path).read_text())]


def body(orders: Orders, number: int) -> bytes:
    """The request with this number, counted over warm-up and all: the same on every run, and other prompts for every number."""
    draw = random.Random(f"{orders.seed} {orders.scenario} {number}")  # noqa: S311 - a load, not a secret
    length, output = orders.lengths(number)
    prompts = [[draw.randrange(orders.vocab_size) for _ in range(length)] for _ in range(orders.batch)]
    fields: dict[str, object] = {
        "model": orders.model,
        "prompt": prompts,
        "max_tokens": output,
        "temperature": 0,
        "ignore_eos": True,
    }
    if orders.stream:
        fields |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(fields).encode()


def fault(orders: Orders, output: int, status: int, data: bytes) -> tuple[int, str]:
    """(tokens generated, what is wrong with the answer or ""), where `output` tokens were asked for of each prompt."""
    if status != 200:
        return 0, f"HTTP {status}"
    try:
        answer = json.loads(data)
        choices, tokens = len(answer["choices"]), int(answer["usage"]["completion_tokens"])
    except (ValueError, KeyError, TypeError):
        return 0, "the answer is not a completion"
    if choices != orders.batch:
        return 0, "wrong number of choices"
    return (tokens, "") if tokens == orders.batch * output else (0, "wrong number of tokens")
