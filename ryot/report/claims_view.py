"""The audit of claims, as words and as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ryot.estimate.claims import ClaimRow
from ryot.report.plain import plain
from ryot.units import show, show_large


def show_claims(console: Console, claims: Sequence[ClaimRow]) -> None:
    """The audit: claimed and computed side by side, the formula below."""
    if not claims:
        return
    console.print()
    console.print(Text("Claims", style="bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("claim", "claimed", "computed", ""):
        table.add_column(column, justify="right" if column in ("claimed", "computed") else "left", no_wrap=True)
    for row in claims:
        style = "" if row.ok else "yellow"
        cells = (row.claim, *shown(row))
        table.add_row(*(Text(plain(cell)) for cell in cells), Text(word_of(row), style))
    console.print(table)
    for row in claims:
        if not row.ok:
            console.print(Padding(Text(plain(f"{row.claim}: {row.formula}"), style="dim"), (0, 0, 0, 6), expand=False))


def shown(row: ClaimRow) -> tuple[str, str]:
    """Claimed and computed with their unit; sizes in decimal units where the claim is rounder in those (356MB, not 340MiB)."""
    if row.unit == "bytes" and row.claimed % 1_000_000 == 0:
        return show_large(row.claimed, "B"), "-" if row.computed is None else show_large(row.computed, "B")
    return show(row.claimed, row.unit), show(row.computed, row.unit)


def word_of(row: ClaimRow) -> str:
    """`holds`, `REFUTED, 8.7 times as much`, `not computable`."""
    if row.ok is not False or row.factor is None:
        return row.word
    if row.unit == "proportion" and row.computed is not None:
        return f"{row.word}: {abs(row.computed - row.claimed) * 100:.3g} points off"
    if row.factor == 0:
        return f"{row.word}: there is nothing"
    factor, word = (row.factor, "times as much") if row.factor >= 1 else (1 / row.factor, "times less")
    times = f"{factor:,.0f} {word}" if factor >= 100 else f"{factor:.3g} {word}"
    return f"{row.word}: {times}"
