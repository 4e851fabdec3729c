"""The run of `data`: read, drop copies, split by digest, put in a seeded order, write. The same Config gives the same bytes."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module

from ryot.plugins import NodeError, StageContext
from ryot.stages.data.generator.generate import Generated, generate
from ryot.stages.data.records import Broken, Document
from ryot.stages.data.sources import Record, read_files
from ryot.stages.data.stage import Config, Source

NAMED = 10
"""So many broken records are named."""


@dataclass(slots=True)
class Reading:
    """What was read so far. `documents` are unique, by id."""

    documents: dict[str, Document] = field(default_factory=dict)
    per_source: list[dict[str, object]] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    read: int = 0
    broken_count: int = 0
    wrong: int = 0
    checked: int = 0


def run(config: Config, context: StageContext) -> None:
    """Write train.jsonl, heldout.jsonl and documents.json. Raises NodeError when too much is broken or nothing is left."""
    reading = Reading()
    for index, source in enumerate(config.sources):
        _take(source, index, reading, config, context)
    _refuse_too_many_broken(reading, config.max_bad_lines)
    train, heldout = split(reading.documents, config.held_out)
    _refuse_empty(train, heldout, reading)
    for name, documents in (("train.jsonl", train), ("heldout.jsonl", heldout)):
        context.write(name, "".join(document.line() for document in in_seeded_order(documents, config.seed)))
    counts = _counts(reading, train, heldout)
    context.write("documents.json", json.dumps(counts, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    _measure(reading, train, heldout, context)
    context.say(f"{len(train)} training and {len(heldout)} held-out documents")


def split(documents: dict[str, Document], held_out: float) -> tuple[list[Document], list[Document]]:
    """Training and held-out documents: held out is whose id, read as a fraction of 2^64, lies below the share."""
    bound = held_out * 2**64
    train = [document for key, document in documents.items() if int(key, 16) >= bound]
    return train, [document for key, document in documents.items() if int(key, 16) < bound]


def in_seeded_order(documents: list[Document], seed: int) -> list[Document]:
    """Shuffled by a digest of seed and id: the order does not depend on the order of the sources."""
    return sorted(documents, key=lambda document: hashlib.sha256(f"{seed}:{document.id}".encode()).digest())


def _take(source: Source, index: int, reading: Reading, config: Config, context: StageContext) -> None:
    before, read_before = len(reading.documents), reading.read
    for record in _records(source, reading, config, context):
        if isinstance(record, Broken):
            reading.broken_count += 1
            reading.broken += [record] if len(reading.broken) < NAMED else []
            continue
        reading.read += 1
        document = Document(record.text, {**record.meta, "source": index})
        reading.documents.setdefault(document.id, document)
        if reading.read % 500 == 0:
            context.report(done=index, total=len(config.sources), unit="sources", documents=reading.read)
    kept = len(reading.documents) - before
    reading.per_source.append({"kind": source.kind, "documents": kept, "read": reading.read - read_before})
    context.report(done=index + 1, total=len(config.sources), unit="sources", force=True, documents=reading.read)
    context.say(f"source {index + 1} ({source.kind}): {kept} documents kept of {reading.read - read_before} read")


def _records(source: Source, reading: Reading, config: Config, context: StageContext) -> Iterator[Record]:
    if source.kind == "file":
        yield from read_files(source)
        return
    if source.kind == "hub":
        context.say(f"streaming {source.dataset} from the hub")
        yield from import_module("ryot.stages.data.hub").read_hub(source)
        return
    generated: Generated = generate(source, config.seed, context.report)
    reading.wrong += generated.wrong
    reading.checked += generated.checked
    yield from generated.documents


def _refuse_too_many_broken(reading: Reading, share: float) -> None:
    records = reading.read + reading.broken_count
    if reading.broken_count > share * records:
        named = "\n".join(f"    {broken}" for broken in reading.broken)
        message = (
            f"{reading.broken_count} of {records} records are broken, more than the {share:.2%} that data.max_bad_lines allows:\n{named}"
        )
        raise NodeError(message, hint="mend the file, name another text_field, or raise data.max_bad_lines")


def _refuse_empty(train: list[Document], heldout: list[Document], reading: Reading) -> None:
    for name, documents in (("training", train), ("held-out", heldout)):
        if not documents:
            raise NodeError(
                f"of {len(reading.documents)} documents none is a {name} one", hint="give more documents or change data.held_out"
            )


def _counts(reading: Reading, train: list[Document], heldout: list[Document]) -> dict[str, object]:
    characters = sorted(len(document.text) for document in reading.documents.values())
    cells = Counter("/".join(cell) for cell in map(_cell, reading.documents.values()) if cell)
    return {
        "train": len(train),
        "heldout": len(heldout),
        "duplicates": reading.read - len(reading.documents),
        "broken": reading.broken_count,
        "broken_named": [str(broken) for broken in reading.broken],
        "characters": {"mean": round(sum(characters) / len(characters), 1), "longest": characters[-1], "shortest": characters[0]},
        "sources": reading.per_source,
        "cells": dict(cells),
        "wrong_answers": reading.wrong,
    }


def _cell(document: Document) -> tuple[str, ...]:
    return tuple(str(document.meta[part]) for part in ("domain", "reasoning", "difficulty") if part in document.meta)


def _measure(reading: Reading, train: list[Document], heldout: list[Document], context: StageContext) -> None:
    made = [cell for cell in map(_cell, reading.documents.values()) if cell]
    found: dict[str, dict[str, float]] = {
        "examples": {"value": len(train) + len(heldout)},
        "heldout": {"value": len(heldout)},
        "duplicates": {"value": reading.read - len(reading.documents), "of": reading.read},
        "broken": {"value": reading.broken_count, "of": reading.read + reading.broken_count},
        "generated": {"value": len(made)},
        "cells": {"value": len(set(made))},
        "wrong_answers": {"value": reading.wrong, "of": reading.checked},
    }
    for name in context.declared:
        if name in found:
            context.measure(name, **found[name])
