"""`ryot logs`: a node's log, as it is or as it grows."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from ryot.cli.request import store_option
from ryot.engine.survey import plan_of
from ryot.errors import SpecError, printable
from ryot.plan.plan import PlannedNode
from ryot.store.job import FAILURE, LOG
from ryot.store.journal import all_runs
from ryot.store.store import RECORD, Store

_LOOK_S = 0.25


@click.command(name="logs")
@click.argument("node")
@click.option("--run", "run_id", help="The run; by default the last one that has the node.")
@click.option("-f", "--follow", is_flag=True, help="Go on showing what is added, until Ctrl-C or the node's end.")
@click.option("-n", "--lines", type=click.IntRange(1), help="Only the last lines.")
@store_option
def command(node: str, run_id: str | None, follow: bool, lines: int | None, root: Path) -> None:
    """Show the log of NODE, e.g. train.baseline."""
    store = Store(root)
    planned = find_node(store, node, run_id)
    folder = store.folder(planned.stage, planned.key)
    path = folder / LOG
    if not path.exists() and not follow:
        raise SpecError(f"{node} has no log yet", hint="it was planned but not started")
    offset = _show(path, 0, lines)
    while follow and not any((folder / name).exists() for name in (RECORD, FAILURE)):
        time.sleep(_LOOK_S)  # another process writes the file; there is no event to wait for
        offset = _show(path, offset, None)
    _show(path, offset, None)


def find_node(store: Store, name: str, run_id: str | None) -> PlannedNode:
    """A node of a run, by default of the last run that has it. Raises SpecError."""
    known: set[str] = set()
    for run in reversed(all_runs(store.runs)):
        plan = plan_of(run) if run_id in (None, run.id) else None
        if plan and name in plan.names:
            return plan.node(name)
        known.update(plan.names if plan else ())
    raise SpecError(
        f"no run{f' {run_id}' if run_id else ''} has a node {name!r}", hint=f"there are: {', '.join(sorted(known)) or 'no runs yet'}"
    )


def _show(path: Path, offset: int, lines: int | None) -> int:
    """Print what is in the file from an offset on; returns where it ended."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(offset if size >= offset else 0)
            text = file.read().decode(errors="replace")
            end = file.tell()
    except FileNotFoundError:
        return offset
    shown = text.splitlines()[-lines:] if lines else text.splitlines()
    for line in shown:
        click.echo(printable(line.replace("\t", "    ")))
    return end
