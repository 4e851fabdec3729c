"""`ryot explain`: what a field of the spec means, its type, unit and default."""

import click

from ryot.errors import SpecError
from ryot.spec.explain import Entry, fields, suggest


@click.command(name="explain")
@click.argument("field", required=False)
def command(field: str | None) -> None:
    """Say what FIELD of a spec means (`train.lr`), or everything in a section (`train`), or list the sections."""
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
    return path == wanted or path.rpartition(".")[0].rstrip("[]*.") == wanted.rstrip("[]*.")


def _text(entry: Entry) -> str:
    unit = f", in {entry.unit}" if entry.unit else ""
    return f"{entry.path}\n    {entry.about or 'No description.'}\n    {entry.kind}{unit}; default: {entry.default}"
