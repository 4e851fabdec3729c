"""The first documents of every source, for `ryot data preview`: read as the node `data` reads them, without writing anything."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import islice

from ryot.plugins import Document
from ryot.stages.data.generator.generate import generate
from ryot.stages.data.records import Broken, Record
from ryot.stages.data.sources import pieces_of, read_files, read_piece
from ryot.stages.data.stage import Config, FileSource, Source

Previewed = tuple[Document | None, str]
_Named = Iterator[tuple[str, Record]]
"""Records with the name of the file each is from; empty where there is none."""


def preview(config: Config, count: int) -> list[Previewed]:
    """The first documents, of each source by its weight or else as many; what a source lacks, later ones that are read make up for. The
    generator's are those of a run that makes no more. Raises NodeError."""
    shares = shares_of(config.sources, count)
    found: list[Previewed] = []
    asked = 0
    for number, (source, share) in enumerate(zip(config.sources, shares, strict=True), start=1):
        asked += share
        wanted = share if source.kind == "generate" else asked - len(found)
        found += [
            _shown(f"source {number} ({source.kind})", name, record) for name, record in islice(_records(source, config, wanted), wanted)
        ]
    return found


def shares_of(sources: Sequence[Source], count: int) -> list[int]:
    """How many documents to show of each source: `count` by their weights, one at least of each as far as it reaches; rounded so that
    they sum to it."""
    weights = [source.weight or 1.0 for source in sources]
    ends = [int(count * sum(weights[: place + 1]) / sum(weights) + 0.5) for place in range(len(weights))]
    shares = [end - begin for begin, end in zip([0, *ends], ends, strict=False)]
    while 0 in shares and max(shares) > 1:
        shares[shares.index(max(shares))] -= 1
        shares[shares.index(0)] += 1
    return shares


def _shown(source: str, name: str, record: Record) -> Previewed:
    if isinstance(record, Broken):
        return None, f"{source}: {record}"
    return record, f"{source}: {name}" if name else source


def _records(source: Source, config: Config, count: int) -> _Named:
    if source.kind == "file":
        return _spread(source, config.max_line, count)
    if source.kind == "hub":
        records: Iterator[Record] = import_module("ryot.stages.data.hub").read_hub(source, max_line=config.max_line)
        return (("", record) for record in records)
    most = min(count, source.examples)
    made = generate(source.model_copy(update={"examples": most}), config.seed, lambda **_: None).documents if most else []
    return (("", document) for document in made)


def _spread(source: FileSource, max_line: int, count: int) -> _Named:
    """A record of each file in turn; of at most `count` files, from the first to the last."""
    pieces = pieces_of(source)
    if source.max_documents is not None:  # a run takes the first ones
        yield from (("", record) for record in read_files(source, max_line))
        return
    step = max(len(pieces) / max(count, 1), 1.0)
    chosen = [pieces[int(place * step)] for place in range(min(count, len(pieces)))]
    open_ = {piece.label: read_piece(piece, source, max_line) for piece in chosen}
    while open_:
        for label, reading in list(open_.items()):
            if (record := next(reading, None)) is None:
                del open_[label]
            else:
                yield label, record
