"""`ryot bench`: load on the exported model, made anew, and the verdicts on the scenarios' targets."""

from __future__ import annotations

import difflib
import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from ryot.cli.apply import run_through
from ryot.cli.capacity import asked, code_of, seek
from ryot.cli.fresh import beside, load, server
from ryot.cli.outcome import show_outcome, write_reports
from ryot.cli.output import stdout
from ryot.cli.page import show_page
from ryot.cli.request import Planned, json_option, resolve, spec_options
from ryot.cli.running import running
from ryot.cli.serve import bring_model
from ryot.cli.streams import for_whoever_reads
from ryot.errors import NodeError, SpecError
from ryot.plan.plan import Plan, PlannedNode
from ryot.report.as_json import to_json
from ryot.report.capacity_view import show_search
from ryot.report.gather import gather
from ryot.report.json_data import escaped
from ryot.store.job import ServiceAt
from ryot.store.journal import Run, begin
from ryot.units import parse_quantity

STAGE = "bench"


@click.command(name="bench")
@spec_options
@click.argument("scenarios", nargs=-1)
@click.option("--url", help="Load the server that `ryot serve` of this spec and store has up there, instead of one of its own.")
@click.option("--ui", is_flag=True, help="Instead: Locust's own page on one scenario, on this machine, until Ctrl-C. It measures nothing.")
@click.option("--find-max", is_flag=True, help="Instead: the highest load (requests/s, or users) at which one scenario meets its targets.")
@click.option("--within", default="10min", show_default=True, metavar="TIME", help="How long --find-max may take.")
@json_option
def command(
    spec: Path,
    profile: str | None,
    sets: tuple[str, ...],
    folders: tuple[Path, ...],
    root: Path,
    scenarios: tuple[str, ...],
    url: str | None,
    ui: bool,
    find_max: bool,
    within: str,
    as_json: bool,
) -> int:
    """Bring the exported model of SPEC up as `ryot serve` does, make the load of the SCENARIOs (of all by default) anew, and judge what
    was measured by their targets. What is not finished up to the export is run first.

    Exit code: 4 a node failed (3 by the machine alone), else 1 a must-target FAILs, else 5 one is INCONCLUSIVE or ERROR, else 0. Of
    --find-max: 0 a load meets all targets, 1 even the lowest that was tried FAILs one, 5 none could be shown to meet them.
    """
    console = Console(stderr=True, soft_wrap=False)
    planned = resolve(spec, profile, sets, folders, root)
    loads = named(planned, scenarios)
    if (ui or find_max) and len(loads) > 1:
        names = ", ".join(node.name.removeprefix(f"{STAGE}.") for node in loads)
        raise SpecError(f"{'--ui' if ui else '--find-max'} is about one scenario", hint=f"name one of {names}")
    if ui and (find_max or as_json):
        raise SpecError("--ui measures nothing", hint=f"leave {'--find-max' if find_max else '--json'} out, or --ui")
    settings = {"find": asked(planned, loads[0], _seconds(within))} if find_max else {"page": True} if ui else {}
    up = running(planned.plan, planned.store, url) if url else None
    if failed := bring_model(planned, console):
        return failed
    plan = _loading(planned.plan, loads, up, settings)
    if ui:
        return show_page(replace(planned, plan=plan), _begin(planned, plan), console)
    return (_find if find_max else _judge)(planned, plan, console, as_json)


def _judge(planned: Planned, plan: Plan, console: Console, as_json: bool) -> int:
    """Run the loads, and judge them."""
    run = _begin(planned, plan)
    failed = run_through(replace(planned, plan=plan), run, console, "what was not finished was not measured")
    result = gather(plan, planned.store, planned.loaded.spec, run, datetime.now(UTC))
    page = write_reports(result, run)
    with for_whoever_reads():
        if as_json:
            click.echo(to_json(result), nl=False)
        else:
            show_outcome(result, stdout())
            console.print(f"report: {page} (and .md, .json, .xml beside it)", markup=False, highlight=False, soft_wrap=True)
    return failed or result.exit_code


def _find(planned: Planned, plan: Plan, console: Console, as_json: bool) -> int:
    """Run the search, and say what it found; after a failure only where its tries are kept."""
    found, failed = seek(planned, plan, _begin(planned, plan), console)
    if failed or found is None:
        return failed or NodeError.exit_code
    with for_whoever_reads():
        if as_json:
            click.echo(escaped(json.dumps(found, indent=1)))
        else:
            show_search(stdout(), found)
    return code_of(found)


def _seconds(text: str) -> float:
    try:
        quantity = parse_quantity(text)
    except ValueError as error:
        raise SpecError(f"--within: {error}") from None
    if quantity.unit != "s" or quantity.value <= 0:
        raise SpecError(f"--within {text} is no time", hint="write for example 10min")
    return quantity.value


def named(planned: Planned, scenarios: tuple[str, ...]) -> list[PlannedNode]:
    """The nodes of the scenarios, of all where none is named. Raises SpecError for one that is not there."""
    known = {node.name.removeprefix(f"{STAGE}."): node for node in planned.plan.nodes if node.stage == STAGE}
    if not known:
        raise SpecError("the spec has no section `bench`", at=planned.loaded.tree.place, hint="write at least one of bench.scenarios")
    for name in scenarios:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known)}"
            raise SpecError(f"bench.scenarios has no {name!r}", at=planned.loaded.place("bench", "scenarios"), hint=hint)
    return [known[name] for name in dict.fromkeys(scenarios)] or list(known.values())


def _loading(plan: Plan, loads: list[PlannedNode], up: ServiceAt | None, settings: dict[str, Any]) -> Plan:
    """The plan of a server of its own, or of one that is `up`, and of loads on it with other settings."""
    if up is None:
        at = server(plan)
        nodes = [load(node, at, **settings) for node in loads]
    else:
        at = server(plan, up=up.model_dump())
        # A server that was asked before must not be asked the same: its cache would answer. And what keeps it up shares the machine for as
        # long as it lives.
        nodes = [load(node, at, seed=secrets.randbelow(1 << 31), **settings) for node in loads]
        nodes = [node.model_copy(update={"measures_speed": False}) for node in nodes]
    if settings:
        nodes = [node.model_copy(update={"measures": ()}) for node in nodes]
    return beside(plan, at, nodes).model_copy(update={"here": None})


def _begin(planned: Planned, plan: Plan) -> Run:
    """A run, but not among those of the spec: what `ryot report`, `status` and `check` show is what was built and judged."""
    return begin(planned.store.root / "benches", plan.name, datetime.now(UTC), planned.loaded.text, plan.model_dump_json(indent=1))
