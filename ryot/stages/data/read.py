"""The first half of `data`: a worker reads a unit into shards, with the ids of its documents and what was broken."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ryot.plugins import Document, Shard, write_durable, write_shard
from ryot.stages.data.made import examples_of
from ryot.stages.data.records import Record
from ryot.stages.data.sources import first, read_piece
from ryot.stages.data.stage import Config, FileSource, HubSource
from ryot.stages.data.units import Unit
from ryot.stages.shards.work import Result

NAMED = 10
"""So many broken records are named."""
SPLITS = ("train", "heldout", "test")
TWINS = ("paraphrased_from", "scaled_from", "without_distractor")
"""Where a generated document names the question that it was made from."""


@dataclass(slots=True)
class Counts:
    """What was read of a unit. `lines` are those of the last piece, `files` the documents and broken records of each file; `damaged`
    names each damaged file, and how many documents were read of it."""

    read: int = 0
    broken: int = 0
    named: list[dict[str, Any]] = field(default_factory=list)
    lines: int = 0
    files: dict[str, int] = field(default_factory=dict)
    wrong: int = 0
    checked: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    damaged: list[dict[str, Any]] = field(default_factory=list)
    begun: int = 0
    """Documents that were read before the file that is being read."""

    def sound(self, records: Iterable[Record]) -> Iterator[Document]:
        """The documents among the records; both are counted."""
        for record in records:
            if isinstance(record, Document):
                self.read += 1
                yield record
            else:
                self.broken += record.lost
                self.named += [asdict(record)] if len(self.named) < NAMED else []
                self.damaged += [{"file": record.file, "why": record.why, "read": self.read - self.begun}] if record.damage else []


def read_unit(settings: Mapping[str, Any], fields: Mapping[str, Any], folder: Path) -> Result:
    """Write the shards of a unit, and NAME.ids: the ids of their documents, shard by shard, each 8 bytes with the lowest first."""
    config, unit = Config.model_validate(settings["config"]), Unit.of(fields)
    counts, shards, ids = Counts(), [], bytearray()
    for number, chunk in enumerate(_chunks(counts.sound(_records(unit, config, counts, Path(settings["made"]))), config.shard_bytes)):
        for split, documents in _split(chunk, config).items():
            shard = Shard(f"{split}-{unit.name}-{number:03d}", split, unit.source)
            shards.append(write_counted(folder, shard, documents))
            ids += np.array([int(document.id, 16) for document in documents], "<u8").tobytes()
    write_durable(folder / f"{unit.name}.ids", bytes(ids))
    return {**asdict(counts), "shards": shards}


def write_counted(folder: Path, shard: Shard, documents: Iterable[Document]) -> dict[str, Any]:
    """Write a shard. Returns what it holds: the shard, the sum, the most and the least of the characters, the documents of each cell."""
    characters, cells = [0, 0, 1 << 62], Counter[str]()

    def counted() -> Iterator[Document]:
        for document in documents:
            length = len(document.text)
            characters[:] = characters[0] + length, max(characters[1], length), min(characters[2], length)
            if cell := _cell(document):
                cells[cell] += 1
            yield document

    written = write_shard(folder, shard, counted())
    return {"shard": asdict(written), "characters": characters, "cells": dict(cells)}


def _records(unit: Unit, config: Config, counts: Counts, made: Path) -> Iterator[Record]:
    source = config.sources[unit.source]
    if unit.made is not None:
        counts.wrong, counts.checked, counts.refused = (unit.made[name] for name in ("wrong", "checked", "refused"))
        return examples_of(unit.made, made)
    if isinstance(source, FileSource):
        return first(_of_files(unit, source, config.max_line, counts), source.max_documents)
    assert isinstance(source, HubSource)
    pinned = source.model_copy(update={"revision": unit.revision})
    records: Iterator[Record] = import_module("ryot.stages.data.hub").read_hub(pinned, unit.shard, config.max_line)
    return records


def _of_files(unit: Unit, source: FileSource, max_line: int, counts: Counts) -> Iterator[Record]:
    for piece in unit.pieces:
        before, counts.begun = counts.read + counts.broken, counts.read
        counts.lines = yield from read_piece(piece, source, max_line)
        counts.files[piece.label] = counts.read + counts.broken - before


def _chunks(documents: Iterable[Document], most: int) -> Iterator[list[Document]]:
    """The documents in parts of at most `most` bytes of text, or of one document."""
    chunk: list[Document] = []
    size = 0
    for document in documents:
        length = len(document.text.encode())
        if chunk and size + length > most:
            yield chunk
            chunk, size = [], 0
        chunk.append(document)
        size += length
    if chunk:
        yield chunk


def _split(documents: Iterable[Document], config: Config) -> dict[str, list[Document]]:
    """The documents of each split that has any: held out is whose place, a fraction of 2^64, lies below the share; test comes next."""
    heldout, test = config.held_out * 2**64, (config.held_out + config.test) * 2**64
    parts: dict[str, list[Document]] = {split: [] for split in SPLITS}
    for document in documents:
        place = int(_origin(document), 16)
        parts["heldout" if place < heldout else "test" if place < test else "train"].append(document)
    return {split: part for split, part in parts.items() if part}


def _origin(document: Document) -> str:
    """What decides a document's split: its id; for a generated one the id of the question it was made from, so that a problem and its
    paraphrase never part."""
    question = next((document.meta[name] for name in TWINS if name in document.meta), document.meta.get("question"))
    return document.id if question is None else Document.of(str(question)).id


def _cell(document: Document) -> str:
    return "/".join(str(document.meta[part]) for part in ("domain", "reasoning", "difficulty") if part in document.meta)
