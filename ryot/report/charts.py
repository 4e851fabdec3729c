"""The charts of a report: loss curves, latency distributions, speed blocks, and a verdict's interval as a strip."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from ryot.check.verdict import Verdict
from ryot.report.drawing import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, Bar, Chart, Label, Line, Point, log_ticks, round_ticks
from ryot.units import show, show_seconds

_MOST_POINTS = 180
_BINS = 36
_MOST_BARS = 16  # more pairs than this are drawn as lines


def loss_chart(histories: Mapping[str, Sequence[float]], looks: Mapping[str, Sequence[Point]] | None = None) -> Chart | None:
    """Loss by update, a line for each node, and one for its `looks` (update, loss) at the held-out documents, if there are several; None
    without two finite losses."""
    curves = {node: [loss for loss in losses if math.isfinite(loss)] for node, losses in histories.items()}
    curves = {node: losses for node, losses in curves.items() if len(losses) > 1}
    if not curves:
        return None
    thinned = {node: _thin(losses) for node, losses in curves.items()}
    thinned |= {f"{node}, held out": list(points) for node, points in (looks or {}).items() if node in curves and len(points) > 1}
    ticks = round_ticks(min(y for points in thinned.values() for _, y in points), max(y for points in thinned.values() for _, y in points))
    x = Axis(1, max(map(len, curves.values())), LEFT, WIDTH - RIGHT)
    y = Axis(ticks[0], ticks[-1], HEIGHT - BOTTOM, _below_key(list(thinned)))
    lines = [Line(tuple((x.at(a), y.at(b)) for a, b in points), f"series s{i % 3}") for i, points in enumerate(thinned.values())][::-1]
    labels = [Label(x.at(a), HEIGHT - BOTTOM + 14, f"{a:,.0f}") for a in (1, round((1 + x.high) / 2), x.high)]
    labels.append(Label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, "update"))
    bin_size = max(math.ceil(len(losses) / _MOST_POINTS) for losses in curves.values())
    return Chart(
        title="Training loss",
        alt="; ".join(f"{node} from {losses[0]:.3g} to {losses[-1]:.3g}" for node, losses in curves.items()),
        lines=(*grid(y, ticks), *lines, *key_lines(list(thinned))),
        labels=(*tick_labels(y, ticks, [f"{tick:.4g}" for tick in ticks]), *labels, *key_labels(list(thinned))),
        note=f"each point is the mean of up to {bin_size} updates" if bin_size > 1 else "",
    )


def latency_chart(node: str, samples: Sequence[float], verdicts: Sequence[Verdict]) -> Chart | None:
    """The distribution of latencies (seconds) on a logarithmic axis, with p50, p95, p99 and the node's targets drawn in."""
    ranked = sorted(sample for sample in samples if sample > 0 and math.isfinite(sample))
    if not ranked:
        return None
    targets = [v for v in verdicts if v.measure.split("/")[0] == node and v.unit == "s" and v.bound > 0]
    x = Axis(ranked[0] * 0.9, max(ranked[-1], *(v.bound for v in targets), 0) * 1.15, LEFT - 30, WIDTH - RIGHT, log=True)
    quantiles = [(f"p{q * 100:g}  {show_seconds(_rank(ranked, q))}", _rank(ranked, q), "mark") for q in (0.5, 0.95, 0.99)]
    marks = quantiles + [(v.target.split("/", 1)[1], v.bound, "target") for v in targets]
    top = TOP + 13 * len(marks)
    height = HEIGHT + 13 * max(len(marks) - 3, 0)
    ticks = [tick for tick in log_ticks(x.low, x.high) if x.low <= tick <= x.high]
    return Chart(
        title=node,
        alt=f"{len(ranked):,} latencies from {show_seconds(ranked[0])} to {show_seconds(ranked[-1])}; " + "; ".join(m[0] for m in marks),
        bars=_histogram(ranked, x, top + 4, height - BOTTOM),
        lines=(
            Line(((x.start, height - BOTTOM), (x.end, height - BOTTOM)), "axis"),
            *(Line(((x.at(at), TOP + 13 * i - 9), (x.at(at), height - BOTTOM)), kind) for i, (_, at, kind) in enumerate(marks)),
        ),
        labels=(
            *(_beside(x.at(at), TOP + 13 * i, text, kind) for i, (text, at, kind) in enumerate(marks)),
            *(Label(x.at(tick), height - BOTTOM + 14, show_seconds(tick)) for tick in ticks),
            Label((x.start + x.end) / 2, height - 4, f"latency of {len(ranked):,} requests (logarithmic)"),
        ),
        height=height,
    )


def blocks_chart(name: str, pairs: Sequence[tuple[float, float]]) -> Chart | None:
    """Paired blocks in the order they were timed: bars side by side, or two lines where there are many."""
    if len(pairs) < 2 or not all(math.isfinite(part) and part > 0 for pair in pairs for part in pair):
        return None
    ticks = round_ticks(0.0, max(map(max, pairs)))
    x = Axis(0, len(pairs), LEFT, WIDTH - RIGHT)
    y = Axis(0.0, ticks[-1], HEIGHT - BOTTOM, TOP + 16)
    bars: list[Bar] = []
    lines: list[Line] = []
    if len(pairs) <= _MOST_BARS:
        bars = [_block(x, y, i, side, pair[side]) for i, pair in enumerate(pairs) for side in (0, 1)]
    else:
        lines = [Line(tuple((x.at(i + 0.5), y.at(pair[side])) for i, pair in enumerate(pairs)), f"series s{side}") for side in (0, 1)]
    sides = ["baseline", "optimized"]
    ends = [Label(x.at(i + 0.5), HEIGHT - BOTTOM + 14, str(i + 1)) for i in sorted({0, len(pairs) // 2, len(pairs) - 1})]
    total = [sum(pair[side] for pair in pairs) for side in (0, 1)]
    return Chart(
        title=f"Speed blocks: {name}",
        alt=f"{len(pairs)} pairs; baseline {show_seconds(total[0])} in all, optimized {show_seconds(total[1])}",
        lines=(*grid(y, ticks), *lines, *key_lines(sides)),
        bars=tuple(bars),
        labels=(
            *tick_labels(y, ticks, [show_seconds(tick) if tick else "0" for tick in ticks]),
            *ends,
            Label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, "pair of blocks, in the order timed"),
            *key_labels(sides),
        ),
        note=f"{len(pairs)} pairs: {show_seconds(total[0])} against {show_seconds(total[1])} in all",
    )


def interval_chart(verdict: Verdict) -> Chart | None:
    """A verdict in one strip: the interval, the value in it, and the target; an open end has no cap. None without a value."""
    if verdict.value is None:
        return None
    known = [number for number in (verdict.low, verdict.high, verdict.value, verdict.bound) if number is not None]
    margin = (max(known) - min(known)) * 0.18 or abs(verdict.value) * 0.1 or 1.0
    x = Axis(min(known) - margin, max(known) + margin, 4, 156)
    low = x.start if verdict.low is None else x.at(verdict.low)
    high = x.end if verdict.high is None else x.at(verdict.high)
    value, bound = x.at(verdict.value), x.at(verdict.bound)
    good = (
        Bar(x.start, 3, bound - x.start, 18, "allowed")
        if verdict.comparison in ("<", "<=")
        else Bar(bound, 3, x.end - bound, 18, "allowed")
    )
    caps = [Line(((at, 8), (at, 16)), "span") for at, end in ((low, verdict.low), (high, verdict.high)) if end is not None]
    return Chart(
        title=verdict.target,
        alt=f"{show(verdict.value, verdict.unit)} against {show(verdict.bound, verdict.unit)}",
        bars=() if verdict.comparison == "==" else (good,),
        lines=(
            Line(((low, 12), (high, 12)), "span"),
            *caps,
            Line(((bound, 2), (bound, 22)), "target"),
            Line(((value, 12), (value, 12)), "dot"),
        ),
        width=160,
        height=24,
    )


def _thin(losses: Sequence[float]) -> list[Point]:
    """(update, loss), counted from 1, averaged in equal bins so that there are at most _MOST_POINTS."""
    step = math.ceil(len(losses) / _MOST_POINTS)
    bins = [losses[i : i + step] for i in range(0, len(losses), step)]
    return [(1 + i * step + (len(part) - 1) / 2, math.fsum(part) / len(part)) for i, part in enumerate(bins)]


def _histogram(ranked: Sequence[float], x: Axis, top: float, bottom: float) -> tuple[Bar, ...]:
    edges = [x.low * (x.high / x.low) ** (i / _BINS) for i in range(_BINS + 1)]
    counts = [sum(low <= sample < high for sample in ranked) for low, high in pairwise(edges)]
    scale = (bottom - top) / max(*counts, 1)
    width = (x.end - x.start) / _BINS
    return tuple(
        Bar(
            x.start + i * width + 0.5,
            bottom - n * scale,
            width - 1,
            n * scale,
            "count",
            f"{n} from {show_seconds(low)} to {show_seconds(high)}",
        )
        for i, (n, low, high) in enumerate(zip(counts, edges[:-1], edges[1:], strict=True))
        if n
    )


def _block(x: Axis, y: Axis, i: int, side: int, seconds: float) -> Bar:
    width = (x.at(1) - x.at(0)) * 0.4
    left = x.at(i) + (x.at(1) - x.at(0)) * 0.08 + side * (width + 1)
    return Bar(left, y.at(seconds), width, y.start - y.at(seconds), f"fill s{side}", f"pair {i + 1}: {show_seconds(seconds)}")


def _rank(ranked: Sequence[float], quantile: float) -> float:
    """The nearest-rank order statistic, as measures.point has it."""
    return ranked[max(math.ceil(quantile * len(ranked)), 1) - 1]


def _beside(x: float, y: float, text: str, kind: str) -> Label:
    """A label to the right of a mark, or to its left where there is no room."""
    return Label(x - 4, y, text, kind, "end") if x > WIDTH * 0.55 else Label(x + 4, y, text, kind, "start")


def grid(y: Axis, ticks: Sequence[float]) -> list[Line]:
    """The horizontal lines of a chart, the lowest as its axis."""
    return [Line(((LEFT, y.at(tick)), (WIDTH - RIGHT, y.at(tick))), "axis" if i == 0 else "grid") for i, tick in enumerate(ticks)]


def tick_labels(y: Axis, ticks: Sequence[float], texts: Sequence[str]) -> list[Label]:
    """The numbers beside them."""
    return [Label(LEFT - 6, y.at(tick) + 4, text, "tick", "end") for tick, text in zip(ticks, texts, strict=True)]


def key_lines(names: Sequence[str]) -> list[Line]:
    """A stroke of each series' colour, for the key."""
    return [Line(((x, y - 4), (x + 18, y - 4)), f"series s{i % 3}") for i, (x, y) in enumerate(map(_key_place, range(len(names))))]


def key_labels(names: Sequence[str]) -> list[Label]:
    """The names in the key."""
    return [Label(_key_place(i)[0] + 23, _key_place(i)[1], name, "key", "start") for i, name in enumerate(names)]


def _key_place(i: int) -> Point:
    """Two entries of the key in a row."""
    return LEFT + 150 * (i % 2), 12 + 14 * (i // 2)


def _below_key(names: Sequence[str]) -> float:
    return TOP + 2 + 14 * math.ceil(len(names) / 2)
