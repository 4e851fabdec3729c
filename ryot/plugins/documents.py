"""A "documents" folder: shards of JSON lines, compressed with zstd, and documents.json, which is written last and lists them.

A document keeps the id it was read with, whatever a filter does to its text, and stays in its shard: a split and a source of its own.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import zstandard

from ryot.errors import NodeError
from ryot.files import write_durable

INDEX = "documents.json"
SUFFIX = ".jsonl.zst"
SPLITS = ("train", "heldout", "test")
_LEVEL = 1  # of zstd: higher ones cost more time than they save disk
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Document:
    """One text. `id` is `identity(text)` of the text as it was read; `meta` is what else is known, as JSON data."""

    text: str
    id: str
    meta: Mapping[str, object] = field(default_factory=dict)

    @staticmethod
    def of(text: str, meta: Mapping[str, object] | None = None) -> Document:
        """A document that was just read."""
        return Document(text, identity(text), meta or {})

    @staticmethod
    def parse(line: str) -> Document:
        """The document that `line()` wrote."""
        found = json.loads(line)
        return Document(found["text"], found["id"], found["meta"])

    def line(self) -> str:
        """The document as one line of JSON, its keys sorted."""
        return json.dumps({"id": self.id, "text": self.text, "meta": self.meta}, sort_keys=True, ensure_ascii=False) + "\n"


def identity(text: str) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of documents: their split (`train`, `heldout`, `test`), the place of their source in the spec, how many there are,
    and the bytes of their texts."""

    name: str
    split: str
    source: int
    documents: int = 0
    bytes: int = 0

    @property
    def file(self) -> str:
        """The name of its file."""
        return self.name + SUFFIX


class Documents:
    """A "documents" folder, to read. Raises NodeError when it is none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NodeError(f"{folder} is no folder of documents: it has no {INDEX}") from None
        self.shards: tuple[Shard, ...] = tuple(Shard(**shard) for shard in index.pop("shards"))
        self.facts: dict[str, object] = index
        """What else documents.json says: the sources, with their licences and counts."""

    def lines(self, shard: Shard) -> Iterator[str]:
        """The documents of one shard as the lines they are kept in, for what passes them on unread."""
        with (self.folder / shard.file).open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file, read_size=_CHUNK) as raw:
            yield from io.TextIOWrapper(io.BufferedReader(raw, _CHUNK), encoding="utf-8", newline="\n")

    def read(self, shard: Shard) -> Iterator[Document]:
        """The documents of one shard, in their order."""
        return map(Document.parse, self.lines(shard))

    def split(self, name: str) -> Iterator[Document]:
        """Every document of a split, shard by shard."""
        return (document for shard in self.shards if shard.split == name for document in self.read(shard))

    def count(self, split: str | None = None) -> int:
        """How many documents there are, in a split or in all."""
        return sum(shard.documents for shard in self.shards if split in (None, shard.split))

    def rewrite(self, out: Path, change: Callable[[Shard, Iterator[Document]], Iterable[Document]]) -> Documents:
        """The same folder at `out`, each shard with the documents that `change(shard, documents)` gives."""
        shards = [write_shard(out, shard, change(shard, self.read(shard))) for shard in self.shards]
        return write_index(out, shards, self.facts)


def write_shard(folder: Path, shard: Shard, documents: Iterable[Document]) -> Shard:
    """Write the documents of a shard, durably. Returns the shard with its counts."""
    size = 0

    def lines() -> Iterator[str]:
        nonlocal size
        for document in documents:
            size += len(document.text.encode())
            yield document.line()

    count = write_lines(folder, shard, lines())
    return Shard(shard.name, shard.split, shard.source, count, size)


def write_lines(folder: Path, shard: Shard, lines: Iterable[str]) -> int:
    """Write documents as the lines `Documents.lines` gives, durably. Returns how many there were."""
    count = 0
    compressor = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
    packed = bytearray()
    for line in lines:
        packed += compressor.compress(line.encode())
        count += 1
    packed += compressor.flush()
    write_durable(folder / shard.file, bytes(packed))
    return count


def write_index(folder: Path, shards: Sequence[Shard], facts: Mapping[str, object]) -> Documents:
    """Write documents.json, which makes the folder whole. Returns the folder as it is read."""
    index = {**facts, "shards": [asdict(shard) for shard in shards]}
    write_durable(folder / INDEX, json.dumps(index, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    return Documents(folder)
