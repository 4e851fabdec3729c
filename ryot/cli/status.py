"""`ryot status`: how far a run is, seen from another terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from ryot import processes
from ryot.cli.output import stdout
from ryot.cli.past import latest
from ryot.cli.request import json_option, store_option
from ryot.engine.events import Progress
from ryot.engine.jobs import events_file, heard, parsed
from ryot.errors import printable
from ryot.machine import machine
from ryot.plan.plan import Plan, PlannedNode
from ryot.report.live import counted, numbers
from ryot.store.journal import Run
from ryot.store.store import Store
from ryot.units import show_seconds

_BESIDE = ("looked", "shared", "unshared")
"""What happens beside a node, and changes nothing of its state."""


@dataclass(frozen=True, slots=True)
class Row:
    """One node as the journal and its last progress tell."""

    node: str
    state: str
    detail: str


@click.command(name="status")
@click.option("--run", "run_id", help="The run; by default the last one.")
@store_option
@json_option
def command(run_id: str | None, root: Path, as_json: bool) -> None:
    """Show the nodes of a run and how far each is."""
    store = Store(root)
    run, plan = latest(store, None, run_id)
    state, rows = run_state(run), list(status(run, plan, store))
    if as_json:
        nodes = [{"name": row.node, "state": row.state, "detail": row.detail} for row in rows]
        click.echo(json.dumps({"run": run.id, "state": state, "nodes": nodes}, indent=2))
        return
    console = stdout()
    console.print(f"{run.id}: {state}", markup=False, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("node", "state", ""):
        table.add_column(column)
    for row in rows:
        table.add_row(Text(row.node), Text(row.state), Text(printable(row.detail)))
    console.print(table)


def run_state(run: Run) -> str:
    """`running (pid 12 on HOST)`, `ended`, `ended: data failed`, `interrupted`, or `died` when its process is gone without a word. Of a
    process of another machine that cannot be seen."""
    began: Mapping[str, Any] = {}
    failed: list[str] = []
    for event in run.events():
        match event["event"]:
            case "interrupted":
                return "interrupted"
            case "ended":
                return f"ended: {', '.join(failed)} failed" if failed else "ended"
            case "began":
                began = event
            case "failed":
                failed.append(event.get("node", ""))
    pid = began.get("pid")
    if began.get("machine", machine()) != machine():
        return f"running (pid {pid} on {began.get('host')}), unless it died there: that machine alone can tell"
    birth = processes.birth(pid) if isinstance(pid, int) else None
    there = birth is not None and began.get("birth", birth) == birth  # a later process may have got its number
    return f"running (pid {pid} on {began.get('host')})" if there else "died"


def status(run: Run, plan: Plan, store: Store) -> list[Row]:
    """A row for every node of a run."""
    running = run_state(run).startswith("running")
    last = {event["node"]: event for event in run.events() if "node" in event and event["event"] not in _BESIDE}
    return [_row(node, last.get(node.name), store, run, running) for node in plan.nodes]


def _row(node: PlannedNode, event: Mapping[str, Any] | None, store: Store, run: Run, running: bool) -> Row:
    if event is None:
        finished = not node.is_service and store.record(node.stage, node.key)
        return Row(node.name, "finished" if finished else "waiting", "before this run" if finished else "")
    match event["event"]:
        case "finished":
            return Row(node.name, "finished", f"in {show_seconds(event['seconds'])}")
        case "fetched":
            return Row(node.name, "finished", f"fetched from {event['share']}; {event['host']} made it")
        case "failed":
            return Row(node.name, "failed", event["message"])
        case "skipped":
            return Row(node.name, "skipped", f"it {'comes after' if event.get('ordered') else 'needs'} {event['because']}")
        case "ready":
            return Row(node.name, "up", event["url"])
        case "lost":
            return Row(node.name, "waiting", f"lost: {event['why']}")
        case "started" | "waiting":
            return Row(node.name, "running" if running else "interrupted", _progress(run, node))
    return Row(node.name, str(event["event"]), "")


def _progress(run: Run, node: PlannedNode) -> str:
    """The last progress a running node reported."""
    try:
        lines = events_file(run, node.name).read_bytes().splitlines()
    except OSError:
        return ""
    for said in parsed(lines[::-1]):
        event = heard(node, said)
        if isinstance(event, Progress):
            return f"{counted(event)}  {numbers(event)}".rstrip()
    return ""
