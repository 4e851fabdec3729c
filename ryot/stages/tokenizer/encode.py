"""Shards of documents as shards of token ids: what a worker does for one of them."""

import hashlib
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from ryot.plugins import Document, Documents, Shard, write_durable
from ryot.stages.tokenizer.encoder import Encoder
from ryot.stages.tokenizer.probe import encoder_of
from ryot.stages.tokenizer.tokens import STARTS

_BATCH = 256


def shard(settings: Mapping[str, Any], item: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Write NAME.bin, NAME.idx and NAME.ids, the documents' ids (uint64), of one shard. Returns the shard's TokenShard as JSON data.

    Settings: `documents` and `tokenizer` (paths), `fast` (whether a probe has proven the fast path), `dtype`, `end` (the end token's
    id), `context` (the longest piece; None: any length).
    """
    given = Shard(**item)
    encoder = encoder_of(Tokenizer.from_file(settings["tokenizer"]), settings["dtype"], fast=settings["fast"])
    dtype = np.dtype(settings["dtype"]).newbyteorder("<")
    chunks, starts, ids, size = [], [np.zeros(1, np.int64)], [], 0
    for document, found in _encoded(encoder, Documents(Path(settings["documents"])).read(given)):
        tokens = np.append(found, dtype.type(settings["end"])).astype(dtype)
        chunks.append(tokens)
        ids.append(int(document.id, 16))
        starts.append(size + ends_of_pieces(len(tokens), settings["context"]))
        size += len(tokens)
    data = b"".join(chunk.tobytes() for chunk in chunks)
    where = np.concatenate(starts)
    write_durable(folder / f"{given.name}.bin", data)
    write_durable(folder / f"{given.name}.idx", where.astype(STARTS).tobytes())
    write_durable(folder / f"{given.name}.ids", np.array(ids, "<u8").tobytes())
    write_durable(folder / f"{given.name}.len", np.array([len(chunk) for chunk in chunks], STARTS).tobytes())
    digest = hashlib.sha256(data).hexdigest()
    return {"name": given.name, "split": given.split, "source": given.source, "documents": len(ids), "pieces": len(where) - 1} | {
        "tokens": size,
        "digest": digest,
    }


def ends_of_pieces(length: int, context: int | None) -> np.ndarray:
    """Where the pieces of a document of `length` tokens end: at every `context` tokens, and at its end."""
    step = context or length
    return np.append(np.arange(step, length, step), length)


def _encoded(encoder: Encoder, documents: Iterator[Document]) -> Iterator[tuple[Document, np.ndarray]]:
    while batch := list(islice(documents, _BATCH)):
        yield from zip(batch, encoder.encode([document.text for document in batch]), strict=True)
