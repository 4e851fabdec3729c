"""A "tokens" folder: shards of token ids, read in place, and the order in which a split takes their pieces.

A shard is NAME.bin, the ids of its documents one after another, each document ended by the end token, and NAME.idx, where each piece
starts and the last one ends (int64, in tokens): a piece is a document, or the next part of one that is longer than the context.
SPLIT.order numbers the pieces of a split in the order they are to be taken, shard after shard. All are little-endian. tokens.json lists
the shards with the digests of their ids.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ryot.plugins import NodeError

FACTS = "tokens.json"
STARTS = "<i8"
ORDER = "<u8"
_SHORT_VOCABULARY = 1 << 16

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TokenShard:
    """One shard: its documents, the pieces they are in, their tokens, and the SHA-256 of its ids."""

    name: str
    split: str
    source: int
    documents: int
    pieces: int
    tokens: int
    digest: str


class Tokens:
    """One split of a "tokens" folder: `len` pieces, each an array of ids. The order may take a piece more than once, or not at all."""

    def __init__(self, folder: Path, split: str) -> None:
        facts = json.loads((folder / FACTS).read_text())
        shards = [shard for shard in shards_of(facts) if shard.split == split]
        dtype = np.dtype(facts["dtype"]).newbyteorder("<")
        for shard in shards:
            _refuse_cut(folder / f"{shard.name}.bin", shard.tokens * dtype.itemsize)
            _refuse_cut(folder / f"{shard.name}.idx", (shard.pieces + 1) * np.dtype(STARTS).itemsize)
        self._ids = [np.memmap(folder / f"{shard.name}.bin", dtype, "r") if shard.tokens else np.empty(0, dtype) for shard in shards]
        self._starts = [np.fromfile(folder / f"{shard.name}.idx", STARTS) for shard in shards]
        self._first = np.cumsum([0, *(len(starts) - 1 for starts in self._starts)])
        self.order: npt.NDArray[np.uint64] = np.fromfile(folder / f"{split}.order", ORDER)
        lengths = np.concatenate([np.empty(0, np.int64), *(np.diff(starts) for starts in self._starts)])
        self.lengths: Ids = lengths[self.order]

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> Ids:
        piece = int(self.order[index])
        shard = int(np.searchsorted(self._first, piece, side="right")) - 1
        start, end = self._starts[shard][piece - self._first[shard] :][:2]
        return self._ids[shard][start:end].astype(np.int64)


def _refuse_cut(path: Path, size: int) -> None:
    """Raise NodeError unless a file has the bytes that tokens.json tells of. A piece of a shorter one would end early without a word."""
    found = path.stat().st_size if path.is_file() else 0
    if found != size:
        raise NodeError(
            f"{path.name} has {found} bytes, and tokens.json says {size}: it {'ends early' if found < size else 'was written to since'}",
            hint=f"remove the folder {path.parent.parent}, so that it is made again",
        )


def shards_of(facts: dict[str, Any]) -> list[TokenShard]:
    """The shards that tokens.json lists."""
    return [TokenShard(**shard) for shard in facts["shards"]]


def facts_with(facts: dict[str, Any], shards: Sequence[TokenShard]) -> str:
    """The text of tokens.json."""
    return json.dumps({**facts, "shards": [asdict(shard) for shard in shards]}, indent=1, sort_keys=True) + "\n"


def token_type(vocab_size: int) -> str:
    """The smallest type that holds every id: `uint16` up to 65,536 entries, else `uint32`."""
    return "uint16" if vocab_size <= _SHORT_VOCABULARY else "uint32"
