"""What `autotune` tried and chose, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Tuning:
    """A row for each change that was tried (change, time saved at least and at most, outcome), and a sentence on the choice."""

    rows: tuple[tuple[str, str, str, str], ...]
    note: str


def rows_of_tuning(found: Mapping[str, Any]) -> Tuning:
    """From settings.json."""
    rows = tuple((_shown(tried["change"]), *_bounds(tried.get("time_reduction")), str(tried["outcome"])) for tried in found["tried"])
    if found["settings"]:
        saves = " to ".join(_bounds(found["time_reduction"]))
        note = f"Chosen: {_shown(found['settings'])}; measured again with new requests it saves {saves}."
    elif found.get("dropped"):
        note = f"The spec's settings stay: what {_shown(found['dropped'])} saves was not seen again."
    else:
        note = "The spec's settings stay."
    return Tuning(rows, note)


def _shown(change: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in change.items())


def _bounds(bounds: Any) -> tuple[str, str]:
    return (f"{bounds[0]:.1%}", f"{bounds[1]:.1%}") if bounds else ("", "")
