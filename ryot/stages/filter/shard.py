"""One shard through one filter, in a worker: which documents stay, which go and why. What does not change is passed on unread."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ryot.plugins import Document, Documents, Shard, write_lines
from ryot.stages.filter.settings import Settings
from ryot.stages.filter.verdict import Dropped, Judge
from ryot.stages.filter.words import BATCH

EXAMPLES, EXAMPLE_CHARACTERS = 3, 300
_LINES = 4096
_SETTINGS: TypeAdapter[Settings] = TypeAdapter(Settings)
Cut = Mapping[int, Dropped]
"""Why documents go, by their places in the shard."""


@dataclass(slots=True)
class Tally:
    """What became of a shard's documents. `bytes` are those of the texts that stay, `examples` the first that were dropped."""

    read: int = 0
    kept: int = 0
    changed: int = 0
    bytes: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    examples: list[dict[str, str]] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether nothing was dropped or changed."""
        return self.kept == self.read and not self.changed

    def drop(self, document: Document, why: Dropped) -> None:
        """Count a document that goes."""
        self.reasons[why.reason] = self.reasons.get(why.reason, 0) + 1
        self.bytes -= len(document.text.encode())
        if len(self.examples) < EXAMPLES:
            self.examples.append({"id": document.id, "reason": str(why), "text": document.text[:EXAMPLE_CHARACTERS]})


def apply(told: Mapping[str, Any], fields: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Write the shard `fields` as the filter leaves it. Returns its Tally, and `same` where nothing was written."""
    settings = settings_of(told)
    shard, documents = Shard(**fields), Documents(Path(told["documents"]))
    tally = Tally(bytes=shard.bytes)
    found = import_module("ryot.stages.filter.phases").judge_or_cut(settings, shard, Path(told["known"]))
    lines = documents.lines(shard)
    write_lines(folder, shard, _cut(lines, found, tally) if isinstance(found, Mapping) else _judged(lines, found, tally))
    if tally.same:
        (folder / shard.file).unlink()
    return asdict(tally) | {"same": tally.same}


def settings_of(told: Mapping[str, Any]) -> Settings:
    """A filter's settings from the JSON data that a worker is told."""
    return _SETTINGS.validate_python(told["settings"])


def _cut(lines: Iterable[str], cut: Cut, tally: Tally) -> Iterator[str]:
    for place, line in enumerate(lines):
        tally.read += 1
        if (why := cut.get(place)) is not None:
            tally.drop(Document.parse(line), why)
        else:
            tally.kept += 1
            yield line


def _judged(lines: Iterable[str], judge: Judge, tally: Tally) -> Iterator[str]:
    for batch in _batches(lines):
        documents = list(map(Document.parse, batch))
        verdicts = judge([document.text for document in documents])
        tally.read += len(batch)
        for line, document, verdict in zip(batch, documents, verdicts, strict=True):
            if isinstance(verdict, Dropped):
                tally.drop(document, verdict)
                continue
            tally.kept += 1
            if verdict == document.text:
                yield line
            else:
                tally.changed += 1
                tally.bytes += len(verdict.encode()) - len(document.text.encode())
                yield Document(verdict, document.id, document.meta).line()


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    """Lines in lists of about BATCH characters."""
    waiting = iter(lines)
    while batch := list(_some(islice(waiting, _LINES))):
        yield batch


def _some(lines: Iterable[str]) -> Iterator[str]:
    size = 0
    for line in lines:
        yield line
        size += len(line)
        if size >= BATCH:
            return
