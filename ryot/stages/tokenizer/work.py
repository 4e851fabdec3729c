"""The run of `tokenizer`: train the BPE on train.jsonl or take one, write it, then encode both splits into shards.

A shard is NAME.bin, the documents' ids one after another, each document ended by the end token, and NAME.idx, where each
document starts and the last one ends (int64, in tokens). Both are little-endian. Special tokens inside a text are plain text.
"""

import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from ryot.plugins import StageContext
from ryot.stages.tokenizer.bpe import save
from ryot.stages.tokenizer.encoder import Encoder
from ryot.stages.tokenizer.probe import choose, spread
from ryot.stages.tokenizer.stage import Config
from ryot.stages.tokenizer.taken import Taken, take, trained

SPLITS = ("train", "heldout")
_BATCH = 1000
_SAMPLES = 10_000


def run(config: Config, context: StageContext) -> None:
    """Write tokenizer/, the shards and tokens.json."""
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    os.environ.setdefault("RAYON_NUM_THREADS", str(context.cpus))
    documents = context.inputs["documents"]
    taken, reserved = _tokenizer(config, context)
    for name, data in save(taken.tokenizer, Path("tokenizer"), config.context, taken.settings).items():
        context.write(name, data)
    context.report(done=1, total=1 + len(SPLITS), unit="stages", force=True)
    chosen = choose(taken.tokenizer, spread(documents / "train.jsonl"), token_type(config.vocab_size), fast=config.fast)
    context.say(chosen.why)
    lengths = {}
    end = taken.tokenizer.token_to_id(taken.end)
    assert end is not None
    for place, split in enumerate(SPLITS, start=2):
        lengths[split] = _write_shard(chosen.encoder, end, documents, split, config, context)
        context.report(done=place, total=1 + len(SPLITS), unit="stages", force=True)
    _report(taken, lengths, reserved, config, context)


def _tokenizer(config: Config, context: StageContext) -> tuple[Taken, int]:
    """The tokenizer, and how many of its entries are reserved for want of merges."""
    if (source := config.taken) is not None:
        return take(Path(source.path), source.written, config.vocab_size), 0
    taken, reserved = trained(texts(context.inputs["documents"] / "train.jsonl"), config.vocab_size, config.min_frequency)
    if reserved:
        context.say(f"the text gave {config.vocab_size - reserved} entries; {reserved} of {config.vocab_size} are reserved tokens")
    return taken, reserved


def texts(path: Path) -> Iterator[str]:
    """The texts of a file of documents, in its order."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)["text"]


def token_type(vocab_size: int) -> str:
    """The smallest type that holds every id: `uint16` up to 65,536 entries, else `uint32`."""
    return "uint16" if vocab_size <= 1 << 16 else "uint32"


def _write_shard(encoder: Encoder, end: int, documents: Path, split: str, config: Config, context: StageContext) -> np.ndarray:
    """Writes one split; returns the documents' lengths in tokens."""
    dtype = np.dtype(token_type(config.vocab_size)).newbyteorder("<")
    chunks, lengths = [], []
    source = texts(documents / f"{split}.jsonl")
    while batch := list(islice(source, _BATCH)):
        for found in encoder.encode(batch):
            ids = np.append(found, dtype.type(end)).astype(dtype)
            chunks.append(ids)
            lengths.append(len(ids))
    context.write(f"{split}.bin", b"".join(chunk.tobytes() for chunk in chunks))
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype("<i8")
    context.write(f"{split}.idx", starts.tobytes())
    return np.array(lengths, dtype=np.int64)


def _report(taken: Taken, lengths: dict[str, np.ndarray], reserved: int, config: Config, context: StageContext) -> None:
    tokenizer = taken.tokenizer
    facts: dict[str, object] = {
        "dtype": token_type(config.vocab_size),
        "vocab_size": tokenizer.get_vocab_size(),
        "reserved": reserved,
        "context": config.context,
        "eos_id": tokenizer.token_to_id(taken.end),
        "bos_id": tokenizer.token_to_id(taken.begin),
        "pad_id": tokenizer.token_to_id(taken.pad),
    }
    facts |= {split: _lengths(found, config.context) for split, found in lengths.items()}
    context.write("tokens.json", json.dumps(facts, indent=1, sort_keys=True) + "\n")
    whole = np.concatenate(list(lengths.values()))
    truncated = int((whole > config.context).sum())
    context.say(f"{len(whole)} documents, {whole.sum()} tokens; {truncated} are longer than the context of {config.context}")
    context.measure("tokens", int(whole.sum()))
    context.measure("mean_tokens", samples=whole[:: 1 + len(whole) // _SAMPLES].tolist())
    if truncated > len(whole) / 100:
        share = f"{truncated} of {len(whole)} documents ({truncated / len(whole):.0%})"
        context.warn(f"{share} are longer than the context of {config.context} tokens and are cut in training; raise model.context")
    context.measure("truncated", truncated, of=len(whole))
    context.measure("vocab_size", tokenizer.get_vocab_size())
    context.measure("reserved", reserved)


def _lengths(found: np.ndarray, context: int) -> dict[str, object]:
    return {
        "documents": len(found),
        "tokens": int(found.sum()),
        "truncated": int((found > context).sum()),
        "longest": int(found.max(initial=0)),
        "mean": round(float(found.mean()), 2) if len(found) else 0.0,
        "p50": int(np.percentile(found, 50, method="inverted_cdf")) if len(found) else 0,
        "p99": int(np.percentile(found, 99, method="inverted_cdf")) if len(found) else 0,
    }
