"""`ryot ps`: what of this user's ryot is running now on this machine, and what an older crash left."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from ryot.cli.output import stdout
from ryot.cli.request import json_option, store_option
from ryot.engine.leftovers import marks
from ryot.engine.present import Piece, named, pieces, seen
from ryot.errors import printable
from ryot.store.store import Store
from ryot.units import show_bytes, show_seconds


@click.command(name="ps")
@store_option
@json_option
def command(root: Path, as_json: bool) -> None:
    """Show what of this user's ryot is running now, of every store: drivers and the nodes that they run, with their processes, memory
    and the ports on which they listen. And what is left over: processes of a node's work that nobody would end; what of --store they
    were is said. `ryot gc` ends them."""
    found = pieces(seen())
    if any(piece.left_over for piece in found):
        found = list(named(found, marks(Store(root)), root))
    now = time.time()
    if as_json:
        click.echo(json.dumps([_data(piece, now) for piece in found], indent=2))
        return
    if not found:
        click.echo("nothing of ryot is running")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("run", "node", "state"):
        table.add_column(column)
    for column in ("pid", "processes", "age", "memory", "ports"):
        table.add_column(column, justify="right")
    for piece in found:
        table.add_row(*map(Text, _row(piece, now)))
    stdout().print(table)


def _state(piece: Piece) -> str:
    return "left over" if piece.left_over else f"ryot {piece.verb}" if piece.verb else "running"


def _row(piece: Piece, now: float) -> tuple[str, ...]:
    return (
        printable(piece.run or "-"),
        printable(piece.node or "-"),
        _state(piece),
        str(piece.pid),
        str(len(piece.processes)),
        show_seconds(max(now - piece.began, 0)),
        show_bytes(piece.memory),
        ", ".join(map(str, piece.ports)) or "-",
    )


def _data(piece: Piece, now: float) -> dict[str, object]:
    return {
        "run": piece.run,
        "node": piece.node,
        "state": _state(piece),
        "pid": piece.pid,
        "processes": list(piece.processes),
        "age_s": round(max(now - piece.began, 0), 3),
        "memory": piece.memory,
        "ports": list(piece.ports),
        "store": str(piece.root) if piece.root else None,
    }
