"""`ryot plan --compare`: the figures of two models or specs in a table, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ryot.estimate.comparison import Figure
from ryot.report.json_data import finite
from ryot.report.plain import plain
from ryot.units import show


def show_comparison(console: Console, names: tuple[str, str], figures: Sequence[Figure]) -> None:
    """A row for each figure, the factor from the first to the second last."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for name in (*names, "factor"):
        table.add_column(Text(plain(name)), justify="right", no_wrap=True)
    for row in figures:
        factor = "" if row.factor is None else "same" if row.factor == 1 else f"{row.factor:.3g}x"
        table.add_row(
            row.label, show(row.first, row.unit), show(row.second, row.unit), Text(factor, style="dim" if factor == "same" else "")
        )
    console.print(table)


def comparison_json(names: tuple[str, str], figures: Sequence[Figure]) -> str:
    """The figures in base units; null for what is not known."""
    rows = [{"figure": row.label, "unit": row.unit, "first": row.first, "second": row.second, "factor": row.factor} for row in figures]
    return json.dumps(finite({"version": 1, "first": names[0], "second": names[1], "figures": rows}), indent=2, allow_nan=False)
