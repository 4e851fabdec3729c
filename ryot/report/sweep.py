"""A sweep's trials, as a table and as charts: the loss against each field that was varied."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ryot.report.drawing import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, Bar, Chart, Label, Line, log_ticks, round_ticks

_MOST_ROWS = 24
_ORDER = ("finished", "pruned", "failed")
_DOT = 6.0
_MARGIN = 18.0
_STATES = {"finished": "s1", "pruned": "s0", "best": "dropped"}


@dataclass(frozen=True, slots=True)
class SweepRows:
    """The fields, a row for each of the best trials (and for the spec's own values), and a sentence on the rest."""

    fields: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str


Found = Mapping[str, Any]
"""What the sweep stage leaves in sweep.json."""


def rows_of_sweep(found: Found) -> SweepRows:
    """The trials by their loss, the best first; then those that were pruned, and those that failed."""
    trials: Sequence[Found] = found["trials"]
    ranked = sorted(trials, key=lambda trial: (_ORDER.index(trial["state"]), trial["loss"] or 0.0, trial["trial"]))
    shown = ranked[:_MOST_ROWS] + [trial for trial in ranked[_MOST_ROWS:] if trial["trial"] == 1]
    fields = tuple(found["fields"])
    rows = tuple(
        (
            _name(trial, found),
            trial["state"],
            *(_value(trial["values"][name]) for name in fields),
            _loss(trial["loss"]),
            _loss(trial["loss_apart"]),
        )
        for trial in shown
    )
    counts = {state: sum(trial["state"] == state for trial in trials) for state in ("finished", "pruned", "failed")}
    failures = [f"trial {trial['trial']}: {trial['reason']}" for trial in trials if trial["state"] == "failed"]
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    note = f"{len(trials)} trials: {told}. One half of the held-out documents chose and pruned; the other half tells what that was worth."
    return SweepRows(
        fields, rows, " ".join([note, *failures[:3], f"{len(failures) - 3} more failed." if len(failures) > 3 else ""]).strip()
    )


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _loss(loss: float | None) -> str:
    return "" if loss is None else f"{loss:.4f}"


def _name(trial: Found, found: Found) -> str:
    marks = [mark for mark, there in (("best", trial["trial"] == found["best"]), ("the spec's own", trial["trial"] == 1)) if there]
    return f"{trial['trial']}" + (f" ({', '.join(marks)})" if marks else "")


def sweep_charts(found: Found) -> list[Chart]:
    """The loss of all trials that have one against each field."""
    trials = [trial for trial in found["trials"] if trial["loss"] is not None and math.isfinite(trial["loss"])]
    if len(trials) < 2:
        return []
    return [_chart(name, kind, trials, found["best"]) for name, kind in found["fields"].items()]


def _chart(name: str, kind: str, trials: Sequence[Found], best: int) -> Chart:
    values = [trial["values"][name] for trial in trials]
    losses = [trial["loss"] for trial in trials]
    ticks = round_ticks(min(losses), max(losses))
    y = Axis(ticks[0], ticks[-1], HEIGHT - BOTTOM, TOP)
    places, labels = _across(values, kind)
    dots = sorted(zip(places, trials, strict=True), key=lambda dot: dot[1]["trial"] == best)  # the best is drawn last, on top
    return Chart(
        title=f"Loss by {name}",
        alt="; ".join(f"{value}: {loss:.4g}" for value, loss in zip(values, losses, strict=True)),
        lines=tuple(Line(((LEFT, y.at(tick)), (WIDTH - RIGHT, y.at(tick))), "axis" if tick == ticks[0] else "grid") for tick in ticks),
        bars=tuple(_dot(x, y.at(trial["loss"]), trial, name, best) for x, trial in dots),
        labels=(*(Label(LEFT - 6, y.at(tick) + 4, f"{tick:.4g}", "tick", "end") for tick in ticks), *labels),
        note="blue: finished; grey: pruned, by its last look; orange: the best",
    )


def _dot(x: float, y: float, trial: Found, name: str, best: int) -> Bar:
    kind = _STATES["best" if trial["trial"] == best else trial["state"]]
    return Bar(
        x - _DOT / 2, y - _DOT / 2, _DOT, _DOT, kind, f"trial {trial['trial']}: {name} {trial['values'][name]}, loss {trial['loss']:.4g}"
    )


def _across(values: Sequence[Any], kind: str) -> tuple[list[float], list[Label]]:
    """Where values lie from left to right, and the labels below: a scale for numbers, else a place for each value."""
    low, high, bottom = LEFT + _MARGIN, WIDTH - RIGHT - _MARGIN, HEIGHT - BOTTOM + 14
    if kind == "listed" or not all(isinstance(value, int | float) for value in values):
        names = sorted(set(values), key=lambda value: (isinstance(value, str), value))
        axis = Axis(0, max(len(names) - 1, 1), low, high)
        return [axis.at(names.index(value)) for value in values], [Label(axis.at(i), bottom, str(name)) for i, name in enumerate(names)]
    least, most = min(values), max(values)
    axis = Axis(least, most, low, high, log=kind == "log")
    return [axis.at(value) for value in values], list(_scale(axis, bottom))


def _scale(axis: Axis, bottom: float) -> Iterator[Label]:
    ticks = log_ticks(axis.low, axis.high) if axis.log else round_ticks(axis.low, axis.high)
    last = -math.inf
    for tick in (tick for tick in ticks if axis.low <= tick <= axis.high):
        if axis.at(tick) - last >= 44:
            last = axis.at(tick)
            yield Label(last, bottom, f"{tick:.4g}")
