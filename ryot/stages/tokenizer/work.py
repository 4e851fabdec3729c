"""The run of `tokenizer`: train the BPE on train.jsonl, write it, then encode both splits into shards.

A shard is NAME.bin, the documents' ids one after another, each document ended by the end token, and NAME.idx, where each
document starts and the last one ends (int64, in tokens). Both are little-endian. Special tokens inside a text are plain text.
"""

import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from ryot.plugins import StageContext
from ryot.stages.tokenizer.bpe import END, PAD, save, train
from ryot.stages.tokenizer.stage import Config

SPLITS = ("train", "heldout")
_BATCH = 1000
_SAMPLES = 10_000


def run(config: Config, context: StageContext) -> None:
    """Write tokenizer/, the shards and tokens.json."""
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    os.environ.setdefault("RAYON_NUM_THREADS", str(context.cpus))
    documents = context.inputs["documents"]
    tokenizer, reserved = train(texts(documents / "train.jsonl"), config.vocab_size, config.min_frequency)
    if reserved:
        context.say(f"the text gave {config.vocab_size - reserved} entries; {reserved} of {config.vocab_size} are reserved tokens")
    for name, data in save(tokenizer, Path("tokenizer"), config.context).items():
        context.write(name, data)
    context.report(done=1, total=1 + len(SPLITS), unit="stages", force=True)
    lengths = {}
    for place, split in enumerate(SPLITS, start=2):
        lengths[split] = _write_shard(tokenizer, documents, split, config, context)
        context.report(done=place, total=1 + len(SPLITS), unit="stages", force=True)
    _report(tokenizer, lengths, reserved, config, context)


def texts(path: Path) -> Iterator[str]:
    """The texts of a file of documents, in its order."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)["text"]


def token_type(vocab_size: int) -> str:
    """The smallest type that holds every id: `uint16` up to 65,536 entries, else `uint32`."""
    return "uint16" if vocab_size <= 1 << 16 else "uint32"


def _write_shard(tokenizer: Tokenizer, documents: Path, split: str, config: Config, context: StageContext) -> np.ndarray:
    """Writes one split; returns the documents' lengths in tokens."""
    end = tokenizer.token_to_id(END)
    tokenizer.encode_special_tokens = True
    dtype = np.dtype(token_type(config.vocab_size)).newbyteorder("<")
    chunks, lengths = [], []
    source = texts(documents / f"{split}.jsonl")
    while batch := list(islice(source, _BATCH)):
        for encoding in tokenizer.encode_batch(batch, add_special_tokens=False):
            ids = np.array([*encoding.ids, end], dtype=dtype)
            chunks.append(ids)
            lengths.append(len(ids))
    context.write(f"{split}.bin", b"".join(chunk.tobytes() for chunk in chunks))
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype("<i8")
    context.write(f"{split}.idx", starts.tobytes())
    return np.array(lengths, dtype=np.int64)


def _report(tokenizer: Tokenizer, lengths: dict[str, np.ndarray], reserved: int, config: Config, context: StageContext) -> None:
    facts: dict[str, object] = {
        "dtype": token_type(config.vocab_size),
        "vocab_size": tokenizer.get_vocab_size(),
        "reserved": reserved,
        "context": config.context,
        "eos_id": tokenizer.token_to_id(END),
        "bos_id": tokenizer.token_to_id(END),
        "pad_id": tokenizer.token_to_id(PAD),
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
