"""Local files that a spec names and that no node could use, found before anything runs. What only reading shows is left to the node."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ryot.errors import SpecError, SpecErrors
from ryot.spec.load import Loaded
from ryot.units import show_bytes

_LINES = (".jsonl", ".ndjson", ".txt")
_PACKED = (".gz", ".zst")
_MOST_BYTES = 64 << 20
"""A tokenizer.json larger than this is not looked into here."""
MOST_ENTRIES = 100_000
"""Files and folders that a local input may have: each is looked at, several times over, before anything runs."""
MOST_INPUT = 1 << 40
"""Bytes that a local input may have: all of it is read for its digest, which takes a disk a quarter of an hour at 1 GB/s."""
_RELATIVE = "paths are relative to the spec"
_FEWER = "name a narrower folder, or put the texts into fewer, larger files (.jsonl, .parquet)"
_STREAMED = "name less of it; a source of the hub is streamed"


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at a local input showed before it is read: its bytes, and what is `wrong` with it, if anything, with what to do."""

    size: int
    wrong: str | None = None
    hint: str = _RELATIVE


def look(path: Path) -> Looked:
    """Look at a local input that is to be read whole: whether it is there, has an end (a device or a pipe has none), and is no larger than
    may be read while somebody waits for a plan. Of a folder no more is looked at than that takes."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return Looked(0, "does not exist")
    except OSError as error:
        return Looked(0, f"cannot be looked at: {error.strerror}")
    if stat.S_ISDIR(status.st_mode):
        return _look_through(path)
    if not stat.S_ISREG(status.st_mode):
        return Looked(0, "is neither a file nor a folder")
    return _sized(status.st_size)


def _look_through(folder: Path) -> Looked:
    entries = size = 0
    left = [os.fspath(folder)]
    while left:
        for entry in _entries(left.pop()):
            entries += 1
            if entries > MOST_ENTRIES:
                return Looked(
                    size, f"holds more than {MOST_ENTRIES:,} files and folders, and each is looked at before anything runs", _FEWER
                )
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    left.append(entry.path)
                elif entry.is_file():
                    size += entry.stat().st_size
            if size > MOST_INPUT:
                return _sized(size)
    return _sized(size)


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    """What is in a folder, one by one; nothing of one that may not be read, as for whoever reads it later."""
    with suppress(OSError), os.scandir(folder) as found:
        yield from found


def _sized(size: int) -> Looked:
    wrong = f"holds more than {show_bytes(MOST_INPUT)}, and all of it is read for its digest before anything runs"
    return Looked(size, wrong, _STREAMED) if size > MOST_INPUT else Looked(size)


def refuse_unusable(loaded: Loaded, inputs: Mapping[str, Path]) -> None:
    """Raise SpecErrors, each with its place, for sources and evaluation files of which nothing can be read, and for a tokenizer with more
    entries than the model has."""
    errors = [*_unreadable(loaded, inputs), *_too_large(loaded, inputs)]
    if errors:
        raise SpecErrors(errors)


def _unreadable(loaded: Loaded, inputs: Mapping[str, Path]) -> Iterator[SpecError]:
    data = loaded.spec.data
    named: list[tuple[tuple[str | int, ...], str]] = [
        (("data", "sources", place, "path"), source.path) for place, source in enumerate(data.sources) if source.path is not None
    ]
    if data.filters is not None and data.filters.contamination is not None:
        against = data.filters.contamination.against
        named += [(("data", "filters", "contamination", "against", place), path) for place, path in enumerate(against)]
    for at, written in named:
        path = inputs[written]
        files = [file.name for file in (path.rglob("*") if path.is_dir() else (path,)) if file.is_file()]
        if not any(map(_may_be_read, files)):
            what = (
                "is an empty folder"
                if not files
                else f"holds no file that is read, only {_some(files)}"
                if path.is_dir()
                else "is not read"
            )
            yield SpecError(
                f"{'.'.join(map(str, at))}: {written} {what}",
                at=loaded.place(*at),
                hint="what is read: .jsonl, .ndjson, .txt (also as .gz or .zst), .parquet; convert other formats to JSON lines",
            )


def _may_be_read(name: str) -> bool:
    """Whether a file's name is that of a kind that is read. In case of doubt it is: the node knows better."""
    plain = name.lower()
    unpacked = plain.removesuffix(".gz").removesuffix(".zst")
    return unpacked.endswith(_LINES) or plain.endswith(".parquet") or (plain.endswith(_PACKED) and unpacked.endswith(".json"))


def _some(files: list[str]) -> str:
    shown = sorted(files)[:3]
    return ", ".join(shown) + (f" and {len(files) - 3} more" if len(files) > 3 else "")


def _too_large(loaded: Loaded, inputs: Mapping[str, Path]) -> Iterator[SpecError]:
    written, most = loaded.spec.data.tokenizer.path, loaded.spec.model.vocab_size
    if written is None:
        return
    path = inputs[written]
    highest = _highest_id(path / "tokenizer.json" if path.is_dir() else path)
    if highest >= most:
        yield SpecError(
            f"data.tokenizer.path: {written} has ids up to {highest}; model.vocab_size is {most}",
            at=loaded.place("data", "tokenizer", "path"),
            hint=f"set model.vocab_size to {highest + 1} or more",
        )


def _highest_id(file: Path) -> int:
    """The highest id in a tokenizer.json; -1 where there is none or it cannot be told."""
    try:
        found: Any = json.loads(file.read_bytes()) if file.stat().st_size <= _MOST_BYTES else {}
        entries = found["model"]["vocab"]
        own = list(entries.values()) if isinstance(entries, dict) else [len(entries) - 1]
        return max((int(number) for number in [*own, *(token["id"] for token in found.get("added_tokens", ()))]), default=-1)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return -1
