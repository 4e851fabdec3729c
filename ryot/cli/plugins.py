"""`ryot plugins list`: what stages and backends there are. Reads metadata; imports none of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from ryot.cli.output import stdout
from ryot.cli.request import json_option, plugin_folders, plugins_option
from ryot.plugins.discover import BACKENDS, STAGES, Plugin, discover


@click.group(name="plugins")
def command() -> None:
    """The stages and backends there are."""


@command.command(name="list")
@plugins_option
@json_option
def list_(folders: tuple[Path, ...], as_json: bool) -> None:
    """List the stages and backends of installed packages, of ./plugins and of --plugins folders. Imports none of them."""
    found = [
        (kind, plugin) for kind, group in (("stage", STAGES), ("backend", BACKENDS)) for plugin in discover(group, plugin_folders(folders))
    ]
    if as_json:
        click.echo(json.dumps([{"kind": kind, **asdict(plugin)} for kind, plugin in found], indent=2))
        return
    table = Table("kind", "name", "from", "version", "code", box=None, pad_edge=False)
    for kind, plugin in found:
        table.add_row(kind, plugin.name, plugin.origin, plugin.version, _code(plugin))
    stdout().print(table)


def _code(plugin: Plugin) -> str:
    if plugin.broken:
        return f"BROKEN: {plugin.broken}"
    return f"{plugin.value} in {plugin.folder}" if plugin.folder else plugin.value
