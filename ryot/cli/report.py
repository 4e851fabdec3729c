"""`ryot report`: a run's report, in the form that is asked for; its evidence as one file; or every prediction beside its measurement."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import click
from rich.console import Console

from ryot.cli.bundle import write_bundle
from ryot.cli.outcome import FORMATS
from ryot.cli.output import stdout
from ryot.cli.past import latest, loaded_from
from ryot.cli.request import json_option, store_option
from ryot.errors import SpecError
from ryot.files import write_durable
from ryot.report.estimates_view import of_run, show_estimates, to_json
from ryot.report.gather import gather
from ryot.store.bundle import looks_like
from ryot.store.ledger import look
from ryot.store.store import Store


@click.command(name="report")
@click.option("--run", "run_id", help="The run; by default the last one.")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="By default html; on a terminal markdown.")
@click.option("--estimates", is_flag=True, help="Instead: every prediction beside its measurement, of all runs or of --run.")
@click.option("--bundle", type=click.Path(dir_okay=False, path_type=Path), help="Instead: the run's evidence, as a file for `ryot check`.")
@json_option
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write here; by default print.")
@store_option
def command(
    run_id: str | None, form: str | None, estimates: bool, bundle: Path | None, as_json: bool, output: Path | None, root: Path
) -> None:
    """Write the report of a run, every verdict derived anew from the raw samples."""
    store = Store(root)
    if estimates:
        _estimates(store, run_id, as_json, output)
        return
    run, plan = latest(store, None, run_id)
    if bundle is not None:
        _refuse_beside(bundle, form, output, as_json=as_json)
        count = write_bundle(run, plan, store, bundle)
        click.echo(f"{bundle}: {count} files of {run.id}; `ryot check {bundle}` judges them anywhere", err=True)
        return
    form = form or ("markdown" if output is None and sys.stdout.isatty() else "html")
    text = FORMATS["json" if as_json else form][1](gather(plan, store, loaded_from(run, plan).spec, run, datetime.now(UTC)))
    _give(text, output)


def _refuse_beside(bundle: Path, form: str | None, output: Path | None, *, as_json: bool) -> None:
    """Raise SpecError for what a bundle does not go with, and for a file that would be lost."""
    if form or output or as_json:
        raise SpecError("--bundle writes one file and nothing else", hint="call it without --format, --json and -o")
    if bundle.exists() and not looks_like(bundle):
        raise SpecError(f"{bundle} is there already, and is no bundle", hint="name another file")
    if not bundle.parent.is_dir():
        raise SpecError(f"there is no folder {bundle.parent}", hint="make it first")


def _estimates(store: Store, run_id: str | None, as_json: bool, output: Path | None) -> None:
    """The ledger as a table, or as JSON."""
    ledger = of_run(look(store.root), latest(store, None, run_id)[0].id if run_id else None)
    if as_json:
        _give(to_json(ledger), output)
    elif output is None:
        show_estimates(ledger, stdout())
    else:
        text = StringIO()
        show_estimates(ledger, Console(file=text, width=120))
        _give(text.getvalue(), output)


def _give(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
    else:
        write_durable(output, text)
        click.echo(f"{output}", err=True)
