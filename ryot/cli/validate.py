"""`ryot validate`: loads and compiles a spec; runs nothing."""

from pathlib import Path

import click

from ryot.cli.request import resolve, spec_options
from ryot.errors import printable


@click.command(name="validate")
@spec_options
def command(spec: Path, profile: str | None, sets: tuple[str, ...], folders: tuple[Path, ...], root: Path) -> None:
    """Check SPEC: every error at once, each with its place and what to do. Runs nothing."""
    planned = resolve(spec, profile, sets, folders, root)
    used = f"profile {printable(planned.loaded.profile)}" if planned.loaded.profile else "no profile"
    counts = f"{len(planned.plan.nodes)} nodes, {len(planned.plan.targets)} targets"
    click.echo(f"{printable(str(spec))} is sound: {counts} ({used}, {planned.machine.device})")
