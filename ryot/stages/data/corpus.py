"""What the generator made, told once all shards are there: statistics for documents.json, and a text file a domain where asked."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from ryot.plugins import Document, Documents
from ryot.stages.data.findings import Findings
from ryot.stages.data.generator.statistics import statistics
from ryot.stages.data.stage import GeneratorSource

FOLDER = "generated"


def statistics_of(found: Findings, documents: Documents) -> dict[str, Any] | None:
    """The statistics of all generated documents; None where no source is the generator."""
    return statistics(document for document, _ in _generated(found, documents)) if _sources(found) else None


def write_corpus(found: Findings, documents: Documents, out: Path) -> None:
    """Write generated/DOMAIN.txt, every example of a domain in the form it is trained on, of the sources that ask for files."""
    if not any(source.files for source in _sources(found).values()):
        return
    (out / FOLDER).mkdir(exist_ok=True)
    with ExitStack() as stack:
        files: dict[str, IO[str]] = {}
        for document, source in _generated(found, documents):
            if source.files:
                name = f"{str(document.meta['domain']).replace(' ', '-')}.txt"
                if name not in files:
                    files[name] = stack.enter_context((out / FOLDER / name).open("w", encoding="utf-8", newline="\n"))
                files[name].write(document.text + "\n")


def _sources(found: Findings) -> dict[int, GeneratorSource]:
    return {place: source for place, source in enumerate(found.config.sources) if isinstance(source, GeneratorSource)}


def _generated(found: Findings, documents: Documents) -> Iterator[tuple[Document, GeneratorSource]]:
    sources = _sources(found)
    for shard in documents.shards:
        if shard.source in sources:
            yield from ((document, sources[shard.source]) for document in documents.read(shard))
