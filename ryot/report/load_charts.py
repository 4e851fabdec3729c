"""Charts of the load on a server: prompts a second against the size of a batch, and tokens a second as a scenario goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ryot.report.charts import grid, key_labels, key_lines, tick_labels
from ryot.report.drawing import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, Chart, Label, Line, round_ticks

_MOST_SCENARIOS = 3


@dataclass(frozen=True, slots=True)
class Rate:
    """What a scenario of one client did: prompts a second at a size of batch, with its bounds, None where there are none."""

    scenario: str
    batch: int
    value: float
    low: float | None
    high: float | None


def batch_chart(rates: Sequence[Rate]) -> Chart | None:
    """Prompts a second against the batch, on a logarithmic axis, with bounds; None for fewer than two sizes."""
    points = sorted((rate for rate in rates if rate.value > 0), key=lambda rate: rate.batch)
    if len({rate.batch for rate in points}) < 2:
        return None
    ticks = round_ticks(0.0, max(rate.high or rate.value for rate in points))
    x = Axis(points[0].batch / 1.2, points[-1].batch * 1.2, LEFT, WIDTH - RIGHT, log=True)
    y = Axis(0.0, ticks[-1], HEIGHT - BOTTOM, TOP)
    spans = [
        Line(((x.at(rate.batch), y.at(rate.low)), (x.at(rate.batch), y.at(rate.high))), "span")
        for rate in points
        if rate.low is not None and rate.high is not None
    ]
    dots = [Line(((x.at(rate.batch), y.at(rate.value)), (x.at(rate.batch), y.at(rate.value))), "dot") for rate in points]
    line = Line(tuple((x.at(rate.batch), y.at(rate.value)) for rate in points), "series s1")
    return Chart(
        title="Throughput against batch",
        alt="; ".join(f"{rate.batch}: {rate.value:.3g} prompts/s" for rate in points),
        lines=(*grid(y, ticks), line, *spans, *dots),
        labels=(
            *tick_labels(y, ticks, [f"{tick:,.4g}" for tick in ticks]),
            *(Label(x.at(batch), HEIGHT - BOTTOM + 14, str(batch)) for batch in sorted({rate.batch for rate in points})),
            Label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, "prompts in a request (logarithmic)"),
        ),
        note="prompts/s, one client; bounds at 95 %",
    )


def pace_chart(paces: Mapping[str, Sequence[float]]) -> Chart | None:
    """Tokens a second over the equal windows of each scenario, as shares of its own mean, so that a decline shows whatever the level; the
    scenarios with most windows, and None where none has three."""
    chosen = sorted(((name, list(rates)) for name, rates in paces.items() if len(rates) > 2), key=lambda pair: -len(pair[1]))
    shares = {
        name: [rate * len(rates) / total for rate in rates] for name, rates in chosen[:_MOST_SCENARIOS] if (total := math.fsum(rates)) > 0
    }
    if not shares:
        return None
    ticks = round_ticks(0.0, max(map(max, shares.values())))
    x = Axis(0.0, 1.0, LEFT, WIDTH - RIGHT)
    y = Axis(0.0, ticks[-1], HEIGHT - BOTTOM, TOP + 2 + 14 * math.ceil(len(shares) / 2))
    lines = [
        Line(tuple((x.at((at + 0.5) / len(rates)), y.at(rate)) for at, rate in enumerate(rates)), f"series s{number % 3}")
        for number, rates in enumerate(shares.values())
    ]
    return Chart(
        title="Throughput as the load goes on",
        alt="; ".join(f"{name} from {rates[0]:.0%} to {rates[-1]:.0%} of its mean" for name, rates in shares.items()),
        lines=(*grid(y, ticks), *lines, *key_lines(list(shares))),
        labels=(
            *tick_labels(y, ticks, [f"{tick:.0%}" for tick in ticks]),
            Label(x.start, HEIGHT - BOTTOM + 14, "begin", anchor="start"),
            Label(x.end, HEIGHT - BOTTOM + 14, "end", anchor="end"),
            Label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, "share of the time"),
            *key_labels(list(shares)),
        ),
        note="tokens/s in equal windows of time, as a share of the scenario's mean",
    )
