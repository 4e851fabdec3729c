"""What the generator is told, and the requests it makes. Shared by the node and by Locust's process; standard library only."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path

VARIABLE = "RYOT_BENCH_ORDERS"
"""The environment variable that tells Locust's process where its orders lie."""


@dataclass(frozen=True, slots=True)
class Orders:
    """A scenario as the generator needs it; paths absolute, `timeout` in seconds.

    With a `page`, the file that is told its port, the load has no end, and its page starts and stops it.
    A closed loop has `users`. An open one has a `rate` in requests a second, arrivals by its `distribution`, and `max_in_flight`.
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

    def save(self, path: Path) -> None:
        """Write them for the generator."""
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, path: Path) -> Orders:
        """Read what `save` wrote."""
        return cls(**json.loads(path.read_text()))


def body(orders: Orders, number: int) -> bytes:
    """The request with this number, counted over warm-up and all: the same on every run, and other prompts for every number."""
    draw = random.Random(f"{orders.seed} {orders.scenario} {number}")  # noqa: S311 - a load, not a secret
    prompts = [[draw.randrange(orders.vocab_size) for _ in range(orders.prompt_tokens)] for _ in range(orders.batch)]
    fields: dict[str, object] = {
        "model": orders.model,
        "prompt": prompts,
        "max_tokens": orders.output_tokens,
        "temperature": 0,
        "ignore_eos": True,
    }
    if orders.stream:
        fields |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(fields).encode()


def fault(orders: Orders, status: int, data: bytes) -> tuple[int, str]:
    """(tokens generated, what is wrong with the answer or "")."""
    if status != 200:
        return 0, f"HTTP {status}"
    try:
        answer = json.loads(data)
        choices, tokens = len(answer["choices"]), int(answer["usage"]["completion_tokens"])
    except (ValueError, KeyError, TypeError):
        return 0, "the answer is not a completion"
    if choices != orders.batch:
        return 0, "wrong number of choices"
    return (tokens, "") if tokens == orders.batch * orders.output_tokens else (0, "wrong number of tokens")
