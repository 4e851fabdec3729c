"""The ledger for a terminal and as JSON: every prediction beside its measurement, and how far off they were, measure by measure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ryot.estimate.calibration import relative_error, spread_of_errors
from ryot.report.json_data import escaped, finite
from ryot.report.plain import plain
from ryot.store.ledger import Entry, Ledger
from ryot.units import show

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How far off the predictions of one measure of one stage were: the median and 90th percentile of |error|, of `n`; as proportions."""

    stage: str
    measure: str
    n: int
    median_error: float
    p90_error: float


def of_run(ledger: Ledger, run: str | None) -> Ledger:
    """The ledger with the entries of one run only, if one is named."""
    return ledger if run is None else replace(ledger, entries=tuple(entry for entry in ledger.entries if entry.run == run))


def accuracy(ledger: Ledger) -> list[Accuracy]:
    """A row for each measure with an error, in the order in which they first came."""
    errors: dict[tuple[str, str], list[float]] = {}
    for entry in ledger.entries:
        error = error_of(entry)
        if error is not None:
            errors.setdefault((entry.stage, entry.measure), []).append(error)
    return [Accuracy(stage, measure, len(found), *spread_of_errors(found)) for (stage, measure), found in errors.items()]


def error_of(entry: Entry) -> float | None:
    """The relative error of what was shown; above 0 it was too high."""
    return relative_error(entry.predicted, entry.measured)


def to_json(ledger: Ledger) -> str:
    """The ledger as JSON; `error` is a proportion of what was measured, null where that was 0."""
    data: Mapping[str, object] = {
        "schema": SCHEMA,
        "entries": [entry.model_dump() | {"error": error_of(entry)} for entry in ledger.entries],
        "accuracy": [asdict(row) for row in accuracy(ledger)],
        "broken_lines": list(ledger.broken),
    }
    return escaped(json.dumps(finite(data), indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def show_estimates(ledger: Ledger, console: Console) -> None:
    """Both tables, and what lines of the file are none."""
    if ledger.entries:
        for heading, entries in _groups(ledger).items():
            console.print(Text(plain(heading), "bold"))
            console.print(_entries(entries))
            console.print()
        console.print(_accuracy(ledger))
    else:
        console.print("No prediction has been measured yet; `ryot apply SPEC` adds them.", markup=False, highlight=False)
    if ledger.broken:
        lines = ", ".join(map(str, ledger.broken))
        console.print(f"{ledger.path}: passed over, cut short or not an entry: line {lines}", markup=False, highlight=False, soft_wrap=True)


def _entries(entries: Sequence[Entry]) -> Table:
    table = _table("node", "measure", "predicted", "measured", "error", "when")
    for entry in entries:
        values = (show(entry.predicted, entry.unit), show(entry.measured, entry.unit), _percent(error_of(entry)))
        table.add_row(*(Text(plain(cell)) for cell in (entry.node, entry.measure, *values, entry.at[:10])))
    return table


def _groups(ledger: Ledger) -> dict[str, list[Entry]]:
    """The entries by where they were measured, as a heading says it, in the order in which they first came."""
    groups: dict[str, list[Entry]] = {}
    for entry in ledger.entries:
        groups.setdefault(f"{entry.spec} on {entry.device}, {entry.engine}", []).append(entry)
    return groups


def _accuracy(ledger: Ledger) -> Table:
    table = _table("measure", "predictions", "median error", "p90 error")
    for row in accuracy(ledger):
        cells = (f"{row.stage}/{row.measure}", str(row.n), f"{row.median_error * 100:.1f} %", f"{row.p90_error * 100:.1f} %")
        table.add_row(*(Text(plain(cell)) for cell in cells))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    numbers = ("predicted", "measured", "error", "predictions", "median error", "p90 error")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", no_wrap=column in numbers, overflow="fold")
    return table


def _percent(error: float | None) -> str:
    return "-" if error is None else f"{error * 100:+.1f} %"
