"""The first documents of every source, for `ryot data preview`: read as the node `data` reads them, without writing anything."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import islice

from ryot.plugins import Document
from ryot.stages.data.generator.generate import generate
from ryot.stages.data.records import Broken
from ryot.stages.data.sources import Record, read_files
from ryot.stages.data.stage import Config, Source

Previewed = tuple[Document | None, str]


def preview(config: Config, documents: Sequence[Document], count: int) -> list[Previewed]:
    """The first documents, as many of each source; the generator's are those of a run that makes no more. Raises NodeError."""
    sources = config.sources[:count]
    shares = [count // len(sources) + (number < count % len(sources)) for number in range(len(sources))]
    found: list[Previewed] = []
    for number, (source, share) in enumerate(zip(sources, shares, strict=True), start=1):
        for record in islice(_records(source, config.seed, share), share):
            if isinstance(record, Broken):
                found.append((None, f"source {number}: {record}"))
            else:
                found.append((Document.of(record.text, record.meta), f"source {number} ({source.kind})"))
    return found


def _records(source: Source, seed: int, count: int) -> Iterator[Record]:
    if source.kind == "file":
        return read_files(source)
    if source.kind == "hub":
        records: Iterator[Record] = import_module("ryot.stages.data.hub").read_hub(source)
        return records
    most = min(count, source.examples)
    return iter(generate(source.model_copy(update={"examples": most}), seed, lambda **_: None).documents)
