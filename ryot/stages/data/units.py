"""What one worker reads at a time. Which units there are, and their order, depends on the sources alone, never on the workers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ryot.plugins import StageContext, write_durable
from ryot.stages.data.sources import Piece, pieces_of, unread
from ryot.stages.data.stage import Config, FileSource, GeneratorSource, HubSource
from ryot.stages.forms import FORMS
from ryot.stages.shards.work import Item, Result

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of one source: pieces of its files, a shard of its hub data set, or a group of examples that the generator made."""

    source: int
    number: int
    size: int
    pieces: tuple[Piece, ...] = ()
    shard: int | None = None
    revision: str | None = None
    made: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """`SOURCE-UNIT`, which the names of its shards hold."""
        return f"{self.source:02d}-{self.number:05d}"

    def item(self) -> Item:
        """The unit as a piece of work."""
        return Item(self.name, self.size, asdict(self))

    @staticmethod
    def of(fields: Any) -> "Unit":
        """The unit that an item's fields describe."""
        return Unit(**{**fields, "pieces": tuple(Piece(**piece) for piece in fields["pieces"])})


def units_of(config: Config, context: StageContext, made: Mapping[int, Sequence[Result]]) -> list[Unit]:
    """The units of every source, in order; `made` is what `make_examples` gave.

    Raises NodeError for a source that is not there, has changed or cannot be reached.
    A source with `max_documents` is one unit: where it ends shows only when all before was read.
    """
    units: list[Unit] = []
    for index, source in enumerate(config.sources):
        if isinstance(source, GeneratorSource):
            units += [_of_group(index, number, group) for number, group in enumerate(made[index])]
        elif isinstance(source, FileSource):
            units += _of_files(index, source, config.shard_bytes)
            _tell_unread(source, context)
        else:
            units += _of_hub(index, source, context)
    return units


def _of_group(index: int, number: int, group: Result) -> Unit:
    return Unit(index, number, group["shard"]["bytes"], made=group)


def _of_files(index: int, source: FileSource, size: int) -> list[Unit]:
    pieces = pieces_of(source)
    if source.max_documents is not None:
        return [Unit(index, 0, sum(Path(piece.path).stat().st_size for piece in pieces), tuple(pieces))]
    parts = [part for piece in pieces for part in _parts(piece, size)]
    return [Unit(index, number, bytes_, (part,)) for number, (part, bytes_) in enumerate(parts)]


def _tell_unread(source: FileSource, context: StageContext) -> None:
    names = unread(Path(source.path))
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        one = len(names) == 1
        told = f"{len(names)} {'entry is' if one else 'entries are'} not read: {', '.join(names[:_NAMED])}{more}"
        context.warn(f"in {source.written} {told}; what is read ends in {', '.join(FORMS)}")


def _parts(piece: Piece, size: int) -> Iterator[tuple[Piece, int]]:
    """The piece in parts of about `size` bytes, each with its bytes."""
    whole = Path(piece.path).stat().st_size
    if piece.is_cut and whole > size:
        for start in range(0, whole, size):
            yield Piece(piece.path, piece.label, start, min(start + size, whole)), min(size, whole - start)
    elif piece.is_parquet and (groups := import_module("ryot.stages.data.parquet").row_groups(piece.path)):
        for start, end in _runs(groups, size):
            yield Piece(piece.path, piece.label, start, end), sum(groups[start:end])
    else:
        yield piece, whole


def _runs(sizes: Sequence[int], most: int) -> Iterator[tuple[int, int]]:
    """Runs [start, end) of row groups that together are at most `most`, or one group."""
    start = 0
    for end in range(1, len(sizes) + 1):
        if end == len(sizes) or sum(sizes[start : end + 1]) > most:
            yield start, end
            start = end


def _of_hub(index: int, source: HubSource, context: StageContext) -> list[Unit]:
    """What the hub says is kept in the scratch folder: after a crash the same commit is read on."""
    kept = context.scratch / f"hub-{index:02d}.json"
    if not kept.exists():
        context.say(f"asking the hub for {source.dataset}")
        write_durable(kept, json.dumps(import_module("ryot.stages.data.hub").pin(source)))
    revision, shards, size = json.loads(kept.read_text())
    if revision and revision != source.revision:
        context.warn(f"{source.dataset} is read at commit {revision}; `revision: {revision}` in the spec pins it")
    if source.max_documents is not None or shards < 2:
        return [Unit(index, 0, size, revision=revision)]
    return [Unit(index, shard, size // shards, shard=shard, revision=revision) for shard in range(shards)]
