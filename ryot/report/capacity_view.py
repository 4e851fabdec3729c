"""What a search for the highest load found, on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ryot.report.plain import plain
from ryot.units import show_seconds

_STYLES = {"met": "green", "too little": "yellow", "missed": "red", "invalid": "magenta"}
_ENDED = {
    "narrow": "the interval is narrow enough",
    "steps": "there were no more tries",
    "time": "there was no more time",
    "least": "nothing lower can be tried",
    "most": "nothing higher is tried",
}


def show_search(console: Console, found: Mapping[str, Any]) -> None:
    """A line for each try, in their order, and what they amount to."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, justify in (("load", "right"), ("requests", "right"), ("took", "right"), ("", "left"), ("why", "left")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for step in found["steps"]:
        cells = (f"{step['level']:.4g} {found['unit']}", f"{step['requests']:,}", show_seconds(step["seconds"]))
        outcome = Text(step["outcome"], style=_STYLES[step["outcome"]])
        table.add_row(*cells, outcome, Text(plain("; ".join(step["reasons"]))))
    console.print(table)
    console.print()
    for line in conclusion(found):
        console.print(Text(plain(line)))


def conclusion(found: Mapping[str, Any]) -> list[str]:
    """The highest load that met every target, the first above it that did not and why, and how sure that is."""
    unit, highest, first = found["unit"], found["highest"], found["first_missed"]
    count = len(found["targets"])
    every = f"its {count} targets" if count > 1 else f"`{found['targets'][0]}`"
    lines = [f"No load that was tried meets {every}" if highest is None else f"At {highest:.4g} {unit} the server meets {every}"]
    if first is not None:
        says = "was not valid" if first["outcome"] == "invalid" else "is not shown to" if highest is not None else "is too much"
        lines.append(f"{first['level']:.4g} {unit} {says}: {'; '.join(first['reasons'])}")
    if highest is not None and first is not None:
        lines.append(
            f"The border is between {highest:.4g} and {first['level']:.4g} {unit}; the search ended because {_ENDED[found['ended']]}"
        )
    elif highest is not None:
        lines.append(f"Where the border is was not found: {_ENDED[found['ended']]}")
    if first is not None and first["outcome"] == "invalid":
        lines.append("What ended it is the generator or the machine, not the server: the server may bear more")
    tries = f"Each of at most {found['tries']} tries is judged at 1 - (1 - confidence) / {found['tries']}"
    return [*lines, f"{tries}, so that what is said of all of them holds at the targets' confidence"]
