"""One request's raw sample, and what follows from many: latencies, times of tokens, errors by cause, rates in windows of time. Pure."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ryot.stages import windows
from ryot.stages.bench.stage import Arrivals


@dataclass(frozen=True, slots=True)
class Sample:
    """One counted request, in seconds since the first intended start: intended start and end, tokens generated, cause of failure or "",
    when it was sent, and when each chunk of a streamed answer was there."""

    number: int
    intended_s: float
    end_s: float
    tokens: int
    error: str = ""
    sent_s: float = 0.0
    chunks_s: tuple[float, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the answer was right and in time."""
        return not self.error

    @property
    def latency_s(self) -> float:
        """Seconds from the intended start to the end."""
        return self.end_s - self.intended_s

    @property
    def ttft_s(self) -> float:
        """Seconds from the intended start to the first token. Of a streamed answer."""
        return self.chunks_s[0] - self.intended_s

    @property
    def tpot_s(self) -> float:
        """Seconds for each token after the first, on average; 0 where there is none. Of a streamed answer."""
        return (self.chunks_s[-1] - self.chunks_s[0]) / max(self.tokens - 1, 1)

    @property
    def gaps_s(self) -> list[float]:
        """Seconds between chunks that follow one another."""
        return [later - sooner for sooner, later in pairwise(self.chunks_s)]


def parse(lines: Iterable[str]) -> list[Sample]:
    """Samples from the lines the generator wrote, `[number, intended_ns, end_ns, tokens, error, sent_ns, [chunk_ns, ...]]`, in the order
    of their intended start."""
    rows = sorted((json.loads(line) for line in lines), key=lambda row: row[1])
    first = rows[0][1] if rows else 0
    return [_sample(row, first) for row in rows]


def _sample(row: Sequence[Any], first_ns: int) -> Sample:
    number, intended, end, tokens, error, sent, chunks = row
    intended_s, end_s, sent_s, *chunks_s = ((moment - first_ns) / 1e9 for moment in (intended, end, sent, *chunks))
    return Sample(number, intended_s, end_s, tokens, error, sent_s, tuple(chunks_s))


def latencies(samples: Sequence[Sample], timeout_s: float) -> list[float]:
    """Seconds for each request. One that failed counts as the whole timeout, so that quick failures flatter no percentile."""
    return [sample.latency_s if sample.ok else max(timeout_s, sample.latency_s) for sample in samples]


def first_tokens(samples: Sequence[Sample], timeout_s: float) -> list[float]:
    """Seconds to each request's first token; the timeout for one that failed."""
    return [sample.ttft_s if sample.ok else timeout_s for sample in samples]


def further_tokens(samples: Sequence[Sample], timeout_s: float) -> list[float]:
    """Seconds for each further token on average, request by request; the timeout for one that failed."""
    return [sample.tpot_s if sample.ok else timeout_s for sample in samples]


def gaps(samples: Sequence[Sample], timeout_s: float, seed: int) -> list[float]:
    """One of each request's gaps between chunks, drawn with `seed`; the timeout for one that failed. The gaps of one answer resemble each
    other: all of them together would look like more independent samples than there are. A whole answer in one chunk has no gap at all."""
    draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
    return [draw.choice(sample.gaps_s or [0.0]) if sample.ok else timeout_s for sample in samples]


def attained(samples: Sequence[Sample], latency: float, ttft: float, tpot: float) -> list[bool]:
    """Whether each request succeeded within all bounds, in seconds; infinite ones bound nothing."""
    return [
        sample.ok
        and sample.latency_s <= latency
        and (ttft == math.inf or sample.ttft_s <= ttft)
        and (tpot == math.inf or sample.tpot_s <= tpot)
        for sample in samples
    ]


def errors(samples: Sequence[Sample]) -> dict[str, int]:
    """How often each cause of failure was seen."""
    return dict(sorted(Counter(sample.error for sample in samples if not sample.ok).items()))


def rates(samples: Sequence[Sample], amounts: Sequence[float]) -> list[float]:
    """Amount per second in each of WINDOWS equal windows of the whole time; in fewer where one would be shorter than two mean latencies.
    Then a single request is in several, which are not so many independent samples: of one user's ten requests, the lower bound at 95 % of
    twenty windows was too high in 17 % of 400 simulated loads, of five windows in 4 %."""
    spans = [(sample.intended_s, sample.end_s) for sample in samples]
    spent, end = sum(stop - start for start, stop in spans), max((stop for _, stop in spans), default=0.0)
    fit = int(end * len(spans) / (2 * spent)) if spent > 0 else windows.WINDOWS
    return windows.rates(spans, amounts, windows.fitting(fit))


def halves(values: Sequence[float]) -> list[tuple[float, float]]:
    """Pairs (window of the first half, window of the second half), for what changed over the time."""
    middle = len(values) // 2
    return list(zip(values[:middle], values[middle : 2 * middle], strict=True))


def by_step(arrivals: Arrivals, kept: Iterable[Sample]) -> list[list[Sample]]:
    """The samples of each step of a ramp, in their order; what is numbered beyond the last step belongs to it."""
    inside: list[list[Sample]] = [[] for _ in arrivals.ramp]
    for sample in kept if inside else ():
        inside[min(arrivals.step_of(sample.number), len(inside) - 1)].append(sample)
    return inside
