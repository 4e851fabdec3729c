"""The run of `tokenizer`: train the BPE on the training split or take one, encode every shard, put the pieces in order."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ryot.plugins import Documents, StageContext
from ryot.stages.inputs import proven
from ryot.stages.shards.pool import Place, over_shards
from ryot.stages.shards.work import Item, Work, keep
from ryot.stages.tokenizer.bpe import save
from ryot.stages.tokenizer.mixing import Mixture, Order, Pool, mixed, shuffled
from ryot.stages.tokenizer.probe import choose, spread
from ryot.stages.tokenizer.stage import Config
from ryot.stages.tokenizer.taken import Taken, take, trained
from ryot.stages.tokenizer.tokens import ORDER, STARTS, TokenShard, facts_with, token_type

LEARNT_FROM = 256 << 20
"""Bytes of text that the merges are learnt from; of more, a share of the documents is taken, by their ids."""
_SAMPLES = 10_000


def run(config: Config, context: StageContext) -> None:
    """Write tokenizer/, the shards, the orders and tokens.json."""
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    os.environ.setdefault("RAYON_NUM_THREADS", str(context.cpus))
    documents = Documents(context.inputs["documents"])
    taken, reserved = _tokenizer(config, documents, context)
    for name, data in save(taken.tokenizer, Path("tokenizer"), config.context, taken.settings).items():
        context.write(name, data)
    shards = _encode(documents, taken, config, context)
    lengths = {split: _put_in_order(split, shards, config, context) for split in dict.fromkeys(shard.split for shard in shards)}
    _report(taken, shards, lengths, reserved, config, context)


def _tokenizer(config: Config, documents: Documents, context: StageContext) -> tuple[Taken, int]:
    """The tokenizer, and how many of its entries are reserved for want of merges."""
    if (source := config.taken) is not None:
        with proven(Path(source.path), source.digest, source.written) as path:
            return take(path, source.written, config.vocab_size), 0
    taken, reserved = trained(texts(documents), config.vocab_size, config.min_frequency)
    if reserved:
        context.say(f"the text gave {config.vocab_size - reserved} entries; {reserved} of {config.vocab_size} are reserved tokens")
    return taken, reserved


def texts(documents: Documents) -> Iterator[str]:
    """The training texts that the merges are learnt from."""
    size = sum(shard.bytes for shard in documents.shards if shard.split == "train")
    bound = (1 << 64) if size <= LEARNT_FROM else (LEARNT_FROM << 64) // size
    # The split took the lowest ids as well; these bits are others.
    return (document.text for document in documents.split("train") if int(document.id[::-1], 16) < bound)


def _encode(documents: Documents, taken: Taken, config: Config, context: StageContext) -> list[TokenShard]:
    dtype = token_type(config.vocab_size)
    chosen = choose(taken.tokenizer, spread(documents), dtype, fast=config.fast)
    context.say(chosen.why)
    settings = {
        "documents": str(documents.folder),
        "tokenizer": str(context.out / "tokenizer" / "tokenizer.json"),
        "fast": chosen.fast,
        "dtype": dtype,
        "end": taken.tokenizer.token_to_id(taken.end),
        "context": config.context if config.long == "split" else None,
    }
    work = Work("ryot.stages.tokenizer.encode:shard", settings, context.scratch / "encode")
    items = [Item(shard.name, shard.bytes, asdict(shard)) for shard in documents.shards]
    found = over_shards(work, items, context, Place(config.workers, config.ray))
    for name in (f"{item.name}.{kind}" for item in items for kind in ("bin", "idx")):
        keep(work.folder / name, context.out)
    return [TokenShard(**shard) for shard in found]


def _put_in_order(split: str, shards: Sequence[TokenShard], config: Config, context: StageContext) -> npt.NDArray[np.int64]:
    """Write the order of a split's pieces. Returns the lengths of its documents in tokens."""
    own = [shard for shard in shards if shard.split == split]
    folder = context.scratch / "encode"
    lengths: npt.NDArray[np.int64] = _joined(folder, own, "len", STARTS)
    ids = _joined(folder, own, "ids", "<u8").astype(np.uint64)
    if config.weights and split == "train":
        sources = np.repeat([shard.source for shard in own], [shard.documents for shard in own])
        trained_on = np.minimum(lengths, config.context) if config.long == "cut" else lengths
        mixture = Mixture(config.weights, config.tokens, config.max_epochs, config.sources)
        order, epochs = mixed(Pool(sources, trained_on, ids), mixture, config.seed)
        _tell(epochs, mixture, context)
    else:
        order = shuffled(ids, config.seed)
    pieces = -(-lengths // config.context) if config.long == "split" else np.ones_like(lengths)
    context.write(f"{split}.order", in_pieces(order, pieces).astype(ORDER).tobytes())
    return lengths


def in_pieces(order: Order, pieces: npt.NDArray[np.int64]) -> Order:
    """An order of documents as one of their pieces, those of a document one after another; `pieces` counts them for each document."""
    first = np.cumsum(pieces) - pieces
    counts = pieces[order]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    found: Order = np.repeat(first[order], counts) + within
    return found


def _joined(folder: Path, shards: Sequence[TokenShard], kind: str, dtype: str) -> npt.NDArray[Any]:
    parts = [np.fromfile(folder / f"{shard.name}.{kind}", dtype) for shard in shards]
    joined: npt.NDArray[Any] = np.concatenate([np.empty(0, dtype), *parts])
    return joined


def _tell(epochs: Sequence[float], mixture: Mixture, context: StageContext) -> None:
    """Say what repeats and what is left out, by the sources' names. Where the spec names no number of tokens, nobody asked for either."""
    context.measure("epochs", max(epochs))
    for source, often in enumerate(epochs):
        context.say(f"{mixture.name(source)} is gone through {often:.3g} times")
    repeated = [f"{mixture.name(source)} {often:.3g} times" for source, often in enumerate(epochs) if often > 1]
    if repeated:
        context.warn(f"to give each source its weight, some documents are repeated: {', '.join(repeated)}")
    unused = [f"{mixture.name(source)}: {1 - often:.1%} is not used" for source, often in enumerate(epochs) if often < 0.9995]
    if unused:
        tell = context.say if mixture.tokens else context.warn
        tell(f"to give each source its weight, some documents are left out: {', '.join(unused)}")


def _report(
    taken: Taken,
    shards: Sequence[TokenShard],
    lengths: Mapping[str, npt.NDArray[np.int64]],
    reserved: int,
    config: Config,
    context: StageContext,
) -> None:
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
    context.write("tokens.json", facts_with(facts, shards))
    whole = np.concatenate(list(lengths.values()))
    over = int((whole > config.context).sum())
    context.say(f"{len(whole)} documents, {whole.sum()} tokens; {over} are longer than the context of {config.context}")
    context.measure("tokens", int(whole.sum()))
    context.measure("mean_tokens", samples=whole[:: 1 + len(whole) // _SAMPLES].tolist())
    if over > len(whole) / 100 and config.long == "cut":
        share = f"{over} of {len(whole)} documents ({over / len(whole):.0%})"
        context.warn(f"{share} are longer than the context of {config.context} tokens and are cut in training; raise model.context")
    context.measure("over_context", over, of=len(whole))
    context.measure("vocab_size", tokenizer.get_vocab_size())
    context.measure("reserved", reserved)


def _lengths(found: npt.NDArray[np.int64], context: int) -> dict[str, object]:
    return {
        "documents": len(found),
        "tokens": int(found.sum()),
        "over_context": int((found > context).sum()),
        "longest": int(found.max(initial=0)),
        "mean": round(float(found.mean()), 2) if len(found) else 0.0,
        "p50": int(np.percentile(found, 50, method="inverted_cdf")) if len(found) else 0,
        "p99": int(np.percentile(found, 99, method="inverted_cdf")) if len(found) else 0,
    }
