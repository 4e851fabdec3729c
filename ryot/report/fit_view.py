"""`ryot plan --fit`: the ways to carry out an update in the memory there is, best first, and the best one as a piece of a spec."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ryot.estimate.fit import Fit, Room
from ryot.report.json_data import finite
from ryot.spec.train import Train
from ryot.units import show_bytes

_SHOWN = 12
_FIELDS = {
    "deepspeed": ("batch_size", "accumulation", "ranks", "zero_stage", "offload", "recompute"),
    "fsdp": ("batch_size", "accumulation", "ranks", "sharding", "recompute"),
}
_TITLES = {"batch_size": "rows", "accumulation": "x", "zero_stage": "ZeRO"}
_WORDS = ("sharding", "offload", "recompute")


def show_fits(console: Console, ways: Sequence[Fit], nearest: Fit | None, room: Room, now: Train) -> None:
    """A row for each way, then what to write; where nothing fits, what comes nearest and what it lacks."""
    has = f"{show_bytes(room.memory)} on each of {room.devices} devices" if room.devices > 1 else show_bytes(room.memory)
    console.print(f"The same update of {now.global_batch:,} documents in {has}:", markup=False, highlight=False)
    if nearest is not None:
        lacks = f"{show_bytes(nearest.needed)} on a device, {show_bytes(nearest.host)} on the hosts"
        text = (
            f"Nothing fits. Nearest comes {as_yaml(nearest.train)}: {lacks}. Take more or larger devices, or shorter rows (train.sequence)."
        )
        console.print(text, markup=False, highlight=False, style="bold red")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    fields = _FIELDS[now.engine]
    for column in ("", *(_TITLES.get(field, field) for field in fields), "memory", "host", "time"):
        table.add_column(column, justify="left" if column in ("", *_WORDS) else "right", no_wrap=True)
    for way in ways[:_SHOWN]:
        style = "bold" if _same(way.train, now) else ""
        cells = (*map(_word, (getattr(way.train, field) for field in fields)), show_bytes(way.needed), show_bytes(way.host))
        table.add_row("*" if style else "", *(Text(cell, style) for cell in cells), Text(f"{way.slower:.2f}x", style))
    console.print(table)
    if len(ways) > _SHOWN:
        console.print(f"and {len(ways) - _SHOWN} slower ones", markup=False, highlight=False, style="dim")
    if any(_same(way.train, now) for way in ways[:_SHOWN]):
        console.print("* the spec as it is written", markup=False, highlight=False, style="dim")
    note = "x: accumulated micro-batches. Of each choice the largest micro-batch is shown; time is held against the matrix products alone."
    console.print(note, markup=False, highlight=False, style="dim")
    console.print("The first, to write:", markup=False, highlight=False)
    console.print(f"train: {as_yaml(ways[0].train)}", markup=False, highlight=False, soft_wrap=True)


def fits_json(ways: Sequence[Fit], nearest: Fit | None, room: Room) -> str:
    """All ways, best first; bytes. `nearest` only where nothing fits."""
    data = {
        "version": 1,
        "room": {"memory": room.memory, "host_memory": room.host_memory, "devices": room.devices, "device": room.device},
        "fits": [_data(way) for way in ways],
        "nearest": None if nearest is None else _data(nearest),
    }
    return json.dumps(finite(data), indent=2, allow_nan=False)


def as_yaml(train: Train) -> str:
    """The fields that decide about memory, as a map to write."""
    return "{" + ", ".join(f"{field}: {_word(getattr(train, field))}" for field in _FIELDS[train.engine]) + "}"


def _data(way: Fit) -> dict[str, object]:
    fields = {field: getattr(way.train, field) for field in _FIELDS[way.train.engine]}
    return fields | {"memory": way.needed, "host": way.host, "slower": way.slower}


def _same(one: Train, other: Train) -> bool:
    return one.zero == other.zero and all(
        getattr(one, field) == getattr(other, field) for field in _FIELDS[one.engine] if field != "sharding"
    )


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
