"""What the documents are and what became of them on their way: the datasheet of a report. Plain data, from documents.json as it is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ryot.report.drawing import Bar, Chart, Label
from ryot.spec.data import Source

_SHOWN = 160
_ROW, _NAME, _NUMBER, _WIDTH = 22, 132, 96, 560


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source: its name, its terms, its share of the tokens, and its documents; `size` is the text kept in bytes, `digest` the SHA-256
    of a local source or the revision of one of the hub; `left` and `left_size` are documents and bytes behind the last filter."""

    name: str
    licence: str
    weight: float | None
    read: int
    broken: int
    copies: int
    kept: int
    size: int
    digest: str
    left: int = 0
    left_size: int = 0


@dataclass(frozen=True, slots=True)
class Dropped:
    """A document that a step dropped: why, and how it begins."""

    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way: the documents before and after, how many it changed, the most frequent reasons of those dropped, and a few of
    them."""

    name: str
    read: int
    kept: int
    changed: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    examples: tuple[Dropped, ...] = ()


@dataclass(frozen=True, slots=True)
class Datasheet:
    """`splits`: documents left of each. `node`: the last one of the way, with its `key` and the SHA-256 of its documents.json. `broken`:
    the first records that could not be read, by file and line."""

    node: str
    key: str
    digest: str
    sources: tuple[SourceRow, ...]
    steps: tuple[Step, ...]
    splits: Mapping[str, int]
    broken: tuple[str, ...] = ()


def datasheet_of(node: str, key: str, digest: str, facts: Mapping[str, Any], told: Sequence[Source] = ()) -> Datasheet:
    """The datasheet that the facts of documents.json make. `told` is what the spec says of the sources now: licences and weights are
    no part of what was read, so a note that was mended later counts."""
    found = facts.get("sources", ())
    sources = tuple(
        _source(
            fields, told[place] if len(told) == len(found) else None, [shard for shard in facts["shards"] if shard.get("source") == place]
        )
        for place, fields in enumerate(found)
    )
    read = sum(source.read for source in sources)
    steps = [Step("exact copies", read, read - sum(source.copies for source in sources), reasons=_copies(sources))] if sources else []
    steps += [_step(found) for found in facts.get("filters", ())]
    splits: dict[str, int] = {}
    for shard in facts["shards"]:
        splits[shard["split"]] = splits.get(shard["split"], 0) + shard["documents"]
    return Datasheet(node, key, digest, sources, tuple(steps), splits, tuple(facts.get("broken_named", ())))


def funnel_chart(sheet: Datasheet) -> Chart | None:
    """A bar for what was read and for what each step left of it; None where nothing was read."""
    if not sheet.steps or not sheet.steps[0].read:
        return None
    rows = [("read", sheet.steps[0].read, 0), *((step.name, step.kept, step.read - step.kept) for step in sheet.steps)]
    whole = rows[0][1]
    longest = _WIDTH - _NAME - _NUMBER
    bars, labels = [], []
    for place, (name, kept, dropped) in enumerate(rows):
        top = 6 + place * _ROW
        before = (kept + dropped) / whole * longest
        bars += [
            Bar(_NAME, top, before, _ROW - 6, "dropped", f"{name}: {dropped:,} dropped" if dropped else ""),
            Bar(_NAME, top, kept / whole * longest, _ROW - 6, "count", f"{name}: {kept:,} left, {kept / whole:.1%} of what was read"),
        ]
        labels += [
            Label(_NAME - 8, top + 12, name, "key", "end"),
            Label(_WIDTH, top + 12, f"{kept:,}" + (f"  (−{dropped:,})" if dropped else ""), "tick", "end"),
        ]
    return Chart(
        title="Documents left after each step",
        alt="; ".join(f"{name} {kept:,}" for name, kept, _ in rows),
        bars=tuple(bars),
        labels=tuple(labels),
        note="the orange part of a bar is what the step dropped",
        width=_WIDTH,
        height=12 + len(rows) * _ROW,
    )


def reasons(step: Step) -> str:
    """The most frequent reasons in words: `too_short 188, too_long 2`."""
    return ", ".join(f"{reason} {count:,}" for reason, count in step.reasons)


def _source(found: Mapping[str, Any], told: Source | None, left: Sequence[Mapping[str, Any]]) -> SourceRow:
    return SourceRow(
        name=str(found.get("path") or found.get("dataset") or "generated"),
        licence=(told.licence if told else found.get("licence")) or "not stated",
        weight=told.weight if told else found.get("weight"),
        read=found["read"],
        broken=found["broken"],
        copies=found["duplicates"],
        kept=found["kept"],
        size=found["bytes"],
        digest=str(found.get("digest") or found.get("revision") or ""),
        left=sum(shard["documents"] for shard in left),
        left_size=sum(shard["bytes"] for shard in left),
    )


def _step(found: Mapping[str, Any]) -> Step:
    ranked = sorted(found["reasons"].items(), key=lambda item: (-item[1], item[0]))
    examples = tuple(Dropped(example["reason"], _beginning(example["text"])) for example in found.get("examples", ()))
    return Step(found["name"], found["read"], found["kept"], found["changed"], tuple(ranked[:4]), examples)


def _beginning(text: str) -> str:
    """How a text begins, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."


def _copies(sources: Sequence[SourceRow]) -> tuple[tuple[str, int], ...]:
    copies = sum(source.copies for source in sources)
    return (("copy", copies),) if copies else ()
