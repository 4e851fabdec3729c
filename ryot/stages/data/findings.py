"""What was read in all: the units' counts joined in order, as documents.json says them and as the node measures them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ryot.plugins import NodeError, StageContext
from ryot.stages.data.read import NAMED, SPLITS
from ryot.stages.data.records import Broken
from ryot.stages.data.stage import Config, FileSource, GeneratorSource, Source
from ryot.stages.data.units import Unit
from ryot.stages.shards.work import Result

TOLD = 3
"""So many broken records are told at once; documents.json names more."""


@dataclass(frozen=True, slots=True)
class Findings:
    """The units and what reading each gave; `shards` are the shards that are left, without copies, as `write_counted` gives them."""

    config: Config
    units: Sequence[Unit]
    results: Sequence[Result]
    shards: Sequence[Mapping[str, Any]] = ()

    def total(self, count: str, source: int | None = None) -> int:
        """`read`, `broken`, `wrong` or `checked`, of a source or of all."""
        pairs = zip(self.units, self.results, strict=True)
        return sum(result[count] for unit, result in pairs if source in (None, unit.source))

    def kept(self, *, split: str | None = None, source: int | None = None, of: str = "documents") -> int:
        """Documents, or `of="bytes"`, of the shards that are left."""
        shards = (shard["shard"] for shard in self.shards)
        return sum(shard[of] for shard in shards if split in (None, shard["split"]) and source in (None, shard["source"]))

    @property
    def cells(self) -> dict[str, int]:
        """The generated documents of each cell."""
        found = Counter[str]()
        for shard in self.shards:
            found.update(shard["cells"])
        return dict(found)


def named(units: Sequence[Unit], results: Sequence[Result]) -> list[Broken]:
    """The first broken records, by their lines in the whole file: a unit counts from its own first line."""
    found: list[Broken] = []
    label, before = "", 0
    for unit, result in zip(units, results, strict=True):
        piece = unit.pieces[0] if unit.pieces else None
        if piece is None or piece.label != label or piece.start == 0:
            before = 0
        label = piece.label if piece is not None and piece.is_cut else ""
        found += [Broken(**{**broken, "line": broken["line"] + (before if label else 0)}) for broken in result["named"]]
        before += result["lines"]
        if len(found) >= NAMED:
            break
    return found[:NAMED]


def say_empty(units: Sequence[Unit], results: Sequence[Result], context: StageContext) -> None:
    """Name in the log every file that held nothing."""
    held: dict[tuple[int, str], int] = {}
    for unit, result in zip(units, results, strict=True):
        for label, records in result["files"].items():
            held[unit.source, label] = held.get((unit.source, label), 0) + records
    for (_, label), records in held.items():
        if not records:
            context.say(f"{label} is empty")


def refuse_damaged(found: Findings, context: StageContext) -> None:
    """Raise NodeError, naming every one, when files are damaged and the Config does not allow it; where it does, warn."""
    damaged = [damage for result in found.results for damage in result["damaged"]]
    if not damaged:
        return
    named = [f"{damage['file']}: {damage['why']}; {damage['read']:,} documents of it were read" for damage in damaged[:NAMED]]
    named += [f"and {len(damaged) - NAMED} more"] if len(damaged) > NAMED else []
    if found.config.allow_damaged:
        context.warn(f"damaged files were read as far as they could be, as data.allow_damaged says: {'; '.join(named)}")
        return
    hint = "fetch the file again; `data.allow_damaged: true` takes what can be read of it, though it may be wrong"
    raise NodeError("\n    ".join(["damaged files lose an unknown number of documents:", *named]), hint=hint)


def refuse_too_many_broken(found: Findings) -> None:
    """Raise NodeError, with the first ten, when more records are broken than the Config tolerates."""
    broken, share = found.total("broken"), found.config.max_bad_lines
    records = found.total("read") + broken
    if broken > share * records:
        first = "\n".join(f"    {record}" for record in named(found.units, found.results))
        message = f"{broken} of {records} records are broken, more than the {share:.2%} that data.max_bad_lines allows:\n{first}"
        raise NodeError(message, hint="mend the file, name another text_field, or raise data.max_bad_lines")


def tell_broken(found: Findings, context: StageContext) -> None:
    """Warn of the broken records that were tolerated, with the first of them."""
    broken = found.total("broken")
    if broken:
        first = "; ".join(map(str, named(found.units, found.results)[:TOLD]))
        context.warn(f"{broken:,} of {found.total('read') + broken:,} records are broken and left out; the first: {first}")


def refuse_empty(found: Findings) -> None:
    """Raise NodeError when a split that was asked for has no document."""
    words = {"train": "training", "heldout": "held-out", "test": "test"}
    for split in SPLITS if found.config.test else SPLITS[:2]:
        if not found.kept(split=split):
            hint = "give more documents or change data.held_out and data.test"
            raise NodeError(f"of {found.kept()} documents none is a {words[split]} one", hint=hint)


def facts(found: Findings) -> dict[str, object]:
    """What documents.json says beside the shards."""
    return {
        **{split: found.kept(split=split) for split in SPLITS},
        "duplicates": found.total("read") - found.kept(),
        "broken": found.total("broken"),
        "broken_named": [str(broken) for broken in named(found.units, found.results)],
        "characters": _characters(found),
        "sources": [_source(found, index, source) for index, source in enumerate(found.config.sources)],
        "cells": found.cells,
        "wrong_answers": found.total("wrong"),
    }


def measure(found: Findings, context: StageContext) -> None:
    """Record what the node declares."""
    read, kept = found.total("read"), found.kept()
    values: dict[str, dict[str, float]] = {
        "examples": {"value": kept},
        "bytes": {"value": found.kept(of="bytes")},
        "heldout": {"value": found.kept(split="heldout")},
        "test": {"value": found.kept(split="test")},
        "duplicates": {"value": read - kept, "of": read},
        "broken": {"value": found.total("broken"), "of": read + found.total("broken")},
        "generated": {"value": sum(found.cells.values())},
        "cells": {"value": len(found.cells)},
        "wrong_answers": {"value": found.total("wrong"), "of": found.total("checked")},
    }
    for name in context.declared:
        if name in values:
            context.measure(name, **values[name])


def _characters(found: Findings) -> dict[str, float]:
    sums, longest, shortest = zip(*(shard["characters"] for shard in found.shards), strict=True)
    return {"mean": round(sum(sums) / found.kept(), 1), "longest": max(longest), "shortest": min(shortest)}


def _source(found: Findings, index: int, source: Source) -> dict[str, object]:
    read, kept = found.total("read", index), found.kept(source=index)
    return {
        "kind": source.kind,
        **_origin(found, index, source),
        "licence": source.licence,
        "weight": source.weight,
        "read": read,
        "kept": kept,
        "duplicates": read - kept,
        "broken": found.total("broken", index),
        "bytes": found.kept(source=index, of="bytes"),
        **{split: found.kept(source=index, split=split) for split in SPLITS},
    }


def _refused(found: Findings, index: int) -> dict[str, int]:
    """The draws that gave no example, by kind and reason."""
    reasons = Counter[str]()
    for unit, result in zip(found.units, found.results, strict=True):
        if unit.source == index:
            reasons.update(result["refused"])
    return dict(reasons)


def _origin(found: Findings, index: int, source: Source) -> dict[str, object]:
    """What the spec wrote; of the hub also the commit that was read."""
    if isinstance(source, GeneratorSource):
        asked = {"examples": source.examples, "seed": found.config.seed, "composition": source.composition}
        return {"generate": asked, "refused": _refused(found, index)}
    if isinstance(source, FileSource):
        return {"path": source.written, "digest": source.digest}
    revision = next(unit.revision for unit in found.units if unit.source == index)
    return {"hub": source.dataset, "split": source.split, "revision": revision}
