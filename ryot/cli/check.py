"""`ryot check`: judges what was recorded against the targets. Offline, on any machine; runs nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from ryot.cli.outcome import show_outcome
from ryot.cli.output import stdout
from ryot.cli.past import latest, loaded_from, replan
from ryot.cli.request import json_option, plugins_option, store_option
from ryot.cli.streams import for_whoever_reads
from ryot.errors import SpecError
from ryot.plan.plan import Plan
from ryot.report.as_json import to_json
from ryot.report.gather import gather
from ryot.report.summary import Summary
from ryot.spec.spec import Spec
from ryot.store.bundle import looks_like, opened
from ryot.store.journal import Run
from ryot.store.store import Store


@click.command(name="check")
@click.argument("spec", required=False, type=click.Path(path_type=Path))
@click.option("--run", "run_id", help="Judge this run; by default the last one.")
@click.option("--set", "sets", multiple=True, metavar="FIELD=VALUE", help="Override a field of SPEC. Repeatable.")
@plugins_option
@store_option
@json_option
def command(spec: Path | None, run_id: str | None, sets: tuple[str, ...], folders: tuple[Path, ...], root: Path, as_json: bool) -> int:
    """Judge what was recorded: by the targets of SPEC as it is now, or of the last run as it was. Runs nothing.

    SPEC may be an evidence bundle (`ryot report --bundle evidence.zip`), of this machine or another: its run is judged as it was. That
    finds damage, and samples that are not those that were recorded; it does not show who made the bundle.

    Exit code: 4 a node failed, else 1 a must-target FAILs, else 5 one is INCONCLUSIVE or ERROR, else 0.
    """
    if spec is not None and looks_like(spec):
        if sets:
            raise SpecError(f"{spec} is an evidence bundle, which is judged as it was", hint="leave --set out, or name a spec")
        with opened(spec) as store:
            summary = _summary(None, run_id, (), folders, store)
        if not as_json:
            click.echo(f"evidence of {summary.heading.run}, made on {summary.heading.device}", err=True)
    else:
        summary = _summary(spec, run_id, sets, folders, Store(root))
    with for_whoever_reads():
        if as_json:
            click.echo(to_json(summary), nl=False)
        else:
            show_outcome(summary, stdout())
    return summary.exit_code


def _summary(spec: Path | None, run_id: str | None, sets: tuple[str, ...], folders: tuple[Path, ...], store: Store) -> Summary:
    plan, parsed, run = _judged(spec, run_id, sets, folders, store)
    return gather(plan, store, parsed, run, datetime.now(UTC))


def _judged(
    spec: Path | None, run_id: str | None, sets: tuple[str, ...], folders: tuple[Path, ...], store: Store
) -> tuple[Plan, Spec, Run | None]:
    if spec is None:
        run, plan = latest(store, None, run_id)
        return plan, loaded_from(run, plan).spec, run
    return replan(spec, sets, folders, store, run_id)
