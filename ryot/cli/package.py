"""`ryot package`: what is served, as a folder to ship."""

from __future__ import annotations

import shutil
from pathlib import Path

import click
from rich.console import Console

from ryot.cli.apply import carry_out, unfinished
from ryot.cli.request import resolve, spec_options
from ryot.errors import MachineError

NODE = "package"


@click.command(name="package")
@spec_options
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="A new folder to write it to; by default where it is kept.")
def command(spec: Path, profile: str | None, sets: tuple[str, ...], folders: tuple[Path, ...], root: Path, out: Path | None) -> int:
    """Write what SPEC serves as a folder: container files, Kubernetes manifests, alerts, a dashboard, a run book, a bill of materials, the
    digest of every file, and the model. What is not finished up to the model is run first."""
    if out is not None and out.exists() and any(out.iterdir()):
        raise MachineError(f"{out} is not empty", hint="name a new folder")
    console = Console(stderr=True, soft_wrap=False)
    planned = resolve(spec, profile, sets, folders, root)
    if planned.loaded.spec.package is None:
        planned = resolve(spec, profile, (*sets, "package={}"), folders, root)
    planned = planned.until(NODE)
    failed = carry_out(planned, console)[1] if unfinished(planned) else 0
    if failed:
        return failed
    node = planned.plan.node(NODE)
    kept = planned.store.folder(node.stage, node.key) / "out"
    if out is not None:
        shutil.copytree(kept, out, dirs_exist_ok=True)
    console.print(f"package: {out or kept}; RUNBOOK.md says how to start it", markup=False, highlight=False, soft_wrap=True)
    return 0
