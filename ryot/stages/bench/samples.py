"""One request's raw sample, and what follows from many: latencies, errors by cause, rates in equal windows of time. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from ryot.stages import windows


@dataclass(frozen=True, slots=True)
class Sample:
    """One counted request: start and end in seconds since the first counted start, tokens generated, cause of failure or ""."""

    number: int
    start_s: float
    end_s: float
    tokens: int
    error: str = ""

    @property
    def ok(self) -> bool:
        """Whether the answer was right and in time."""
        return not self.error


def parse(lines: Iterable[str]) -> list[Sample]:
    """Samples from the lines the generator wrote, `[number, start_ns, end_ns, tokens, error]`, in the order of their start."""
    rows = sorted((json.loads(line) for line in lines), key=lambda row: row[1])
    first = rows[0][1] if rows else 0
    return [Sample(row[0], (row[1] - first) / 1e9, (row[2] - first) / 1e9, row[3], row[4]) for row in rows]


def latencies(samples: Sequence[Sample], timeout_s: float) -> list[float]:
    """Seconds for each request. One that failed counts as the whole timeout, so that quick failures flatter no percentile."""
    return [sample.end_s - sample.start_s if sample.ok else max(timeout_s, sample.end_s - sample.start_s) for sample in samples]


def errors(samples: Sequence[Sample]) -> dict[str, int]:
    """How often each cause of failure was seen."""
    return dict(sorted(Counter(sample.error for sample in samples if not sample.ok).items()))


def rates(samples: Sequence[Sample], amounts: Sequence[float]) -> list[float]:
    """Amount per second in each of WINDOWS equal windows of the whole time."""
    return windows.rates([(sample.start_s, sample.end_s) for sample in samples], amounts)


def halves(values: Sequence[float]) -> list[tuple[float, float]]:
    """Pairs (window of the first half, window of the second half), for what changed over the time."""
    middle = len(values) // 2
    return list(zip(values[:middle], values[middle : 2 * middle], strict=True))


def as_lines(samples: Sequence[Sample]) -> str:
    """The samples as JSON lines."""
    return "".join(json.dumps(asdict(sample), sort_keys=True) + "\n" for sample in samples)
