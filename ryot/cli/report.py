"""`ryot report`: a run's report, in the form that is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from ryot.cli.outcome import FORMATS
from ryot.cli.past import latest, loaded_from
from ryot.cli.request import store_option
from ryot.files import write_durable
from ryot.report.gather import gather
from ryot.store.store import Store


@click.command(name="report")
@click.option("--run", "run_id", help="The run; by default the last one.")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="html", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write here; by default print.")
@store_option
def command(run_id: str | None, form: str, output: Path | None, root: Path) -> None:
    """Write the report of a run, every verdict derived anew from the raw samples."""
    store = Store(root)
    run, plan = latest(store, None, run_id)
    text = FORMATS[form][1](gather(plan, store, loaded_from(run, plan).spec, run.id, datetime.now(UTC)))
    if output is None:
        click.echo(text, nl=False)
    else:
        write_durable(output, text)
        click.echo(f"{output}", err=True)
