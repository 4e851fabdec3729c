"""`ryot explain`: what a field of the spec means, its type, unit and default."""

import re

import click

from ryot.errors import SpecError
from ryot.spec.explain import Entry, fields, suggest


@click.command(name="explain")
@click.argument("field", required=False)
def command(field: str | None) -> None:
    """Say what FIELD of a spec means (`train.lr`, `data.sources.0.path`), or everything in a section (`train`), or list the sections."""
    entries = list(fields())
    wanted = (field or "").rstrip(".")
    shown = [entry for entry in entries if _shown(entry.path, wanted)]
    if not shown:
        raise SpecError(f"a spec has no field {wanted!r}", hint=suggest(wanted))
    for entry in shown:
        click.echo(_text(entry))


def _shown(path: str, wanted: str) -> bool:
    if not wanted:
        return "." not in path
    section = path.rpartition(".")[0]
    above = section.rpartition(".")[0] if section.endswith("[]") else section
    return plain(wanted) in (plain(path), plain(section), plain(above))


def plain(path: str) -> str:
    """A path without places in lists and free maps: `data.sources[].path` and `data.sources.0.path` as `data.sources.path`."""
    return re.sub(r"\[\d*\]|\.\d+(?=\.|$)|\.\*", "", path)


def _text(entry: Entry) -> str:
    unit = f", in {entry.unit}" if entry.unit else ""
    return f"{entry.path}\n    {entry.about or 'No description.'}\n    {entry.kind}{unit}; default: {entry.default}"
