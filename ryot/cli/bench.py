"""`ryot bench`: load on the exported model, made anew, and the verdicts on the scenarios' targets."""

from __future__ import annotations

import difflib
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from ryot.cli.apply import run_through
from ryot.cli.fresh import beside, load, server
from ryot.cli.outcome import show_outcome, write_reports
from ryot.cli.output import stdout
from ryot.cli.page import show_page
from ryot.cli.request import Planned, json_option, resolve, spec_options
from ryot.cli.running import running
from ryot.cli.serve import bring_model
from ryot.cli.streams import for_whoever_reads
from ryot.errors import SpecError
from ryot.plan.plan import Plan, PlannedNode
from ryot.report.as_json import to_json
from ryot.report.gather import gather
from ryot.store.journal import Run, begin

STAGE = "bench"


@click.command(name="bench")
@spec_options
@click.argument("scenarios", nargs=-1)
@click.option("--url", help="Load the server that `ryot serve` of this spec and store has up there, instead of one of its own.")
@click.option("--ui", is_flag=True, help="Instead: Locust's own page on one scenario, on this machine, until Ctrl-C. It measures nothing.")
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
    as_json: bool,
) -> int:
    """Bring the exported model of SPEC up as `ryot serve` does, make the load of the SCENARIOs (of all by default) anew, and judge what
    was measured by their targets. What is not finished up to the export is run first.

    Exit code: 4 a node failed (3 by the machine alone), else 1 a must-target FAILs, else 5 one is INCONCLUSIVE or ERROR, else 0.
    """
    console = Console(stderr=True, soft_wrap=False)
    planned = resolve(spec, profile, sets, folders, root)
    loads = named(planned, scenarios)
    settings = {"up": running(planned.plan, planned.store, url).model_dump()} if url else {}
    if ui and len(loads) > 1:
        raise SpecError("a page shows one scenario", hint=f"name one of {', '.join(node.name.removeprefix(f'{STAGE}.') for node in loads)}")
    if failed := bring_model(planned, console):
        return failed
    if ui:
        plan = _loading(planned.plan, loads, settings, page=True)
        return show_page(replace(planned, plan=plan), _begin(planned, plan), console)
    plan = _loading(planned.plan, loads, settings)
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


def _loading(plan: Plan, loads: list[PlannedNode], server_settings: dict[str, Any], **settings: Any) -> Plan:
    """The plan of a server of its own, and of loads on it with other settings."""
    at = server(plan, **server_settings)
    # A server that was asked before must not be asked the same: its cache would answer.
    anew = settings | ({"seed": secrets.randbelow(1 << 31)} if server_settings.get("up") else {})
    nodes = [load(node, at, **anew) for node in loads]
    if server_settings.get("up"):  # what keeps that server up shares the machine for as long as it lives
        nodes = [node.model_copy(update={"measures_speed": False}) for node in nodes]
    return beside(plan, at, nodes).model_copy(update={"here": None})


def _begin(planned: Planned, plan: Plan) -> Run:
    """A run, but not among those of the spec: what `ryot report`, `status` and `check` show is what was built and judged."""
    return begin(planned.store.root / "benches", plan.name, datetime.now(UTC), planned.loaded.text, plan.model_dump_json(indent=1))
