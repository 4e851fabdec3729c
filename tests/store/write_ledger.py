"""Entries for a ledger. Run as a program, `python write_ledger.py STORE NAME COUNT EACH`, it adds COUNT entries, EACH at a time."""

from __future__ import annotations

import sys
from pathlib import Path

from ryot.store.ledger import Entry, append


def entry(key: str, measure: str = "total_time", **other: object) -> Entry:
    """A whole entry."""
    fields = {
        "at": "2026-01-01T12:00:00+00:00", "run": "20260101-120000-toy-0000", "spec": "toy", "node": "train", "stage": "train",
        "unit": "s", "device": "cpu:test x2", "engine": "deepspeed 0.19.8", "shape": "abc", "raw": 10.0, "predicted": 12.0,
        "measured": 11.0, "key": key, "measure": measure,
    }  # fmt: skip
    return Entry.model_validate(fields | other)


if __name__ == "__main__":
    root, name, count, each = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    for start in range(0, count, each):
        append(root, [entry(f"{name}{start + number}") for number in range(each)])
        print(start, flush=True)
