"""Every prediction beside the measurement that followed: ledger.jsonl in the store's root, one entry a line, only ever added to.

An entry is there once for each node's key and measure. A line that a crash cut short is passed over and named, and the next entry
begins on a line of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ryot.estimate.calibration import Like, Past
from ryot.files import append_durable, locked, whoami

LEDGER = "ledger.jsonl"
_LOCK = Path("locks") / ".ledger.lock"


class Entry(BaseModel):
    """One prediction and what was measured, both in `unit`. `at` is when the node was finished (ISO), `run` the apply it ran in.

    `raw` is the prediction as reckoned, `predicted` the one that was shown, corrected by what was known then. `engine` is name and
    version, `shape` a fingerprint of what bears speed, `key` the node's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str
    run: str
    spec: str
    node: str
    stage: str
    measure: str
    unit: str
    device: str
    engine: str
    shape: str
    raw: float = Field(allow_inf_nan=False)
    predicted: float = Field(allow_inf_nan=False)
    measured: float = Field(allow_inf_nan=False)
    key: str

    @property
    def past(self) -> Past:
        """What it says to later predictions."""
        return Past(Like(self.device, self.engine, self.stage, self.measure, self.shape), self.raw, self.measured)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The entries, oldest first, and the numbers (from 1) of the lines that are none."""

    path: Path
    entries: tuple[Entry, ...]
    broken: tuple[int, ...]


def read(root: Path) -> tuple[Entry, ...]:
    """The entries of the store at `root`, oldest first; none where there is no ledger."""
    return look(root).entries


def look(root: Path) -> Ledger:
    """The ledger with what is wrong with it."""
    path = root / LEDGER
    lines = list(_lines(path))
    entries = tuple(entry for _, entry in lines if entry is not None)
    return Ledger(path, entries, tuple(number for number, entry in lines if entry is None))


def append(root: Path, entries: Sequence[Entry]) -> int:
    """Add the entries whose key and measure are not there yet; returns how many were. They are on disk when it returns."""
    if not entries:
        return 0
    with locked(root / _LOCK, whoami()):
        known = {(entry.key, entry.measure) for entry in read(root)}
        new = {(entry.key, entry.measure): entry for entry in reversed(entries) if (entry.key, entry.measure) not in known}
        if new:
            append_durable(root / LEDGER, "".join(entry.model_dump_json() + "\n" for entry in reversed(new.values())).encode())
    return len(new)


def _lines(path: Path) -> Iterator[tuple[int, Entry | None]]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            yield number, _entry(line)


def _entry(line: bytes) -> Entry | None:
    try:
        return Entry.model_validate_json(line)
    except ValidationError:
        return None
