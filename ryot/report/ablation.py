"""What each part of an optimization stack contributes, as a chart: bars with their bounds at 95 %."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ryot.report.drawing import Axis, Bar, Chart, Label, Line, round_ticks
from ryot.report.summary import MeasureRow, Summary

_GAIN, _ALONE = "_gain", "_alone"
_WIDTH, _NAME, _NUMBER, _ROW = 720, 130, 150, 46


@dataclass(frozen=True, slots=True)
class Part:
    """A part's share of time saved: in the stack, and alone."""

    name: str
    gain: MeasureRow
    alone: MeasureRow | None


def ablations(summary: Summary) -> set[str]:
    """The nodes that take a stack apart."""
    return {row.name for row in summary.nodes if row.stage == "ablate"}


def parts_of(summary: Summary) -> list[Part]:
    """The parts that an ablation measured, the largest contribution first."""
    nodes = ablations(summary)
    rows = {row.measure: row for row in summary.measures if row.measure.split("/")[0] in nodes and row.value is not None}
    parts = [
        Part(name.split("/")[1].removesuffix(_GAIN), row, rows.get(name.removesuffix(_GAIN) + _ALONE))
        for name, row in rows.items()
        if name.endswith(_GAIN)
    ]
    return sorted(parts, key=lambda part: -(part.gain.value or 0.0))


def without_gain(parts: Sequence[Part]) -> list[str]:
    """The parts whose contribution in the stack is not shown to be above zero."""
    return [part.name for part in parts if part.gain.low is None or part.gain.low <= 0]


def ablation_chart(parts: Sequence[Part]) -> Chart | None:
    """A pair of bars for each part; None where nothing was measured."""
    if not parts:
        return None
    rows = [row for part in parts for row in (part.gain, part.alone) if row is not None]
    ends = [end for row in rows for end in (row.value, row.low, row.high) if end is not None]
    ticks = round_ticks(min(0.0, *ends), max(0.0, *ends))
    x = Axis(ticks[0], ticks[-1], _NAME, _WIDTH - _NUMBER)
    height = 30 + len(parts) * _ROW
    grid = [Line(((x.at(tick), 6), (x.at(tick), height - 24)), "axis" if tick == 0 else "grid") for tick in ticks]
    shapes = [shape for place, part in enumerate(parts) for shape in _drawn(part, x, 8 + place * _ROW)]
    idle = without_gain(parts)
    return Chart(
        title="What each part of the stack contributes",
        alt="; ".join(f"{part.name} {part.gain.value:.1%}" for part in parts),
        lines=(*grid, *(shape for shape in shapes if isinstance(shape, Line))),
        bars=tuple(shape for shape in shapes if isinstance(shape, Bar)),
        labels=(
            *(shape for shape in shapes if isinstance(shape, Label)),
            *(Label(x.at(tick), height - 8, f"{tick:.0%}") for tick in ticks),
        ),
        note="share of time saved: dark, what the stack loses without the part; pale, the part alone; lines are bounds at 95 %"
        + (f". No gain is shown for {', '.join(idle)}" if idle else ""),
        width=_WIDTH,
        height=height,
    )


def _drawn(part: Part, x: Axis, top: float) -> Iterator[Bar | Line | Label]:
    yield Label(_NAME - 8, top + 20, part.name, "key", "end")
    for row, y, kind, what in ((part.gain, top, "count", "in the stack"), (part.alone, top + 18, "allowed", "alone")):
        if row is None or row.value is None:
            continue
        left, right = sorted((x.at(0.0), x.at(row.value)))
        yield Bar(left, y, right - left, 14, kind, f"{part.name} {what}: {row.value:.1%}")
        low, high = (row.value if end is None else end for end in (row.low, row.high))
        yield Line(((x.at(low), y + 7), (x.at(high), y + 7)), "span")
        yield Label(_WIDTH, y + 11, f"{row.value:.1%} {what}", "tick", "end")
