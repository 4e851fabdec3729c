"""The first documents of every source, for `ryot data preview`: read as the node `data` reads them, without writing anything."""

from collections.abc import Iterator
from importlib import import_module
from itertools import islice

from ryot.plugins import Document
from ryot.stages.data.generator.generate import generate
from ryot.stages.data.records import Broken, Record
from ryot.stages.data.sources import read_files
from ryot.stages.data.stage import Config, Source

Previewed = tuple[Document | None, str]


def preview(config: Config, count: int) -> list[Previewed]:
    """The first documents, as many of each source; the generator's are those of a run that makes no more. Raises NodeError."""
    sources = config.sources[:count]
    shares = [count // len(sources) + (number < count % len(sources)) for number in range(len(sources))]
    found: list[Previewed] = []
    for number, (source, share) in enumerate(zip(sources, shares, strict=True), start=1):
        for record in islice(_records(source, config, share), share):
            if isinstance(record, Broken):
                found.append((None, f"source {number}: {record}"))
            else:
                found.append((record, f"source {number} ({source.kind})"))
    return found


def _records(source: Source, config: Config, count: int) -> Iterator[Record]:
    if source.kind == "file":
        return read_files(source, config.max_line)
    if source.kind == "hub":
        records: Iterator[Record] = import_module("ryot.stages.data.hub").read_hub(source, max_line=config.max_line)
        return records
    most = min(count, source.examples)
    return iter(generate(source.model_copy(update={"examples": most}), config.seed, lambda **_: None).documents)
