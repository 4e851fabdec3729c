"""Measures how fast text becomes token ids on one core: `tokenizers`, `tiktoken` and ryot's fast path, on the same texts in turn.

Run it as `python benchmarks/tokens.py [--vocab N] [--rounds N] [FILE...]`: files are .jsonl (`text`, or `question` and `answer`) or .txt
(a document a line); none means generated text. Ids of all texts are compared, and different ones fail it. Every round gives ryot an
empty dictionary. Seconds are this process's CPU time. The probe, which a node pays once, is timed apart.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

os.environ |= {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}  # before tokenizers is loaded

from tokenizers import Tokenizer

from ryot.stages.data.generator.generate import generate
from ryot.stages.data.stage import GeneratorSource
from ryot.stages.tokenizer.bpe import train
from ryot.stages.tokenizer.encoder import SlowEncoder
from ryot.stages.tokenizer.fast import fast_of, translate
from ryot.stages.tokenizer.probe import GuardedEncoder, choose

_BATCH = 1000
Encode = Callable[[list[str]], list[Any]]


@dataclass(frozen=True, slots=True)
class Peer:
    """A way to encode: `make` gives a fresh encoder, `ids` says what one document's result means in ids."""

    name: str
    make: Callable[[], Encode]
    ids: Callable[[Any], np.ndarray] = np.asarray


def texts_of(path: Path) -> list[str]:
    """The documents of a file."""
    with path.open(encoding="utf-8") as file:
        if path.suffix != ".jsonl":
            return [line.rstrip("\n") for line in file if line.strip()]
        rows = [json.loads(line) for line in file]
    return [row["text"] if "text" in row else f"Q: {row['question']}\nA: {row['answer']}" for row in rows]


def generated(examples: int) -> list[str]:
    """Documents of the generator."""
    return [document.text for document in generate(GeneratorSource(examples=examples), 42, lambda **_: None).documents]


def peers(tokenizer: Tokenizer, dtype: str) -> list[Peer]:
    """The peers, `tokenizers` first, ryot last."""
    slow, tiktoken = SlowEncoder(tokenizer, dtype), translate(tokenizer)
    table = np.array(tiktoken.ids)
    return [
        Peer("tokenizers encode_batch", lambda: lambda batch: [one.ids for one in tokenizer.encode_batch(batch, add_special_tokens=False)]),
        Peer(
            "tokenizers encode_batch_fast",
            lambda: lambda batch: [one.ids for one in tokenizer.encode_batch_fast(batch, add_special_tokens=False)],
        ),
        Peer("tiktoken", lambda: lambda batch: [*map(tiktoken.encoding.encode_ordinary, batch)], lambda ranks: table[ranks]),
        Peer("ryot", lambda: GuardedEncoder(fast_of(tokenizer, slow), slow).encode),
    ]


def seconds(peer: Peer, texts: Sequence[str]) -> tuple[float, list[Any]]:
    """CPU seconds to encode all texts in batches, and what came out."""
    encode, found = peer.make(), []
    start = time.process_time()
    for first in range(0, len(texts), _BATCH):
        found += encode(list(texts[first : first + _BATCH]))
    return time.process_time() - start, found


def different(peer: Peer, found: list[Any], right: list[Any]) -> int:
    """How many documents have other ids than `tokenizers` gives."""
    return sum(not np.array_equal(peer.ids(ours) if len(ours) else ours, theirs) for ours, theirs in zip(found, right, strict=True))


def compare(name: str, texts: list[str], vocab_size: int, rounds: int) -> bool:
    """Print one corpus's table; whether all ids are equal and ryot takes the fast path."""
    tokenizer, _ = train(texts, vocab_size, 2)
    dtype = "uint16" if vocab_size <= 1 << 16 else "uint32"
    start = time.process_time()
    chosen = choose(tokenizer, texts[:: 1 + len(texts) // 100], dtype)
    size = sum(len(text.encode()) for text in texts) / 1e6
    print(f"\n{name}: {len(texts)} documents, {size:.1f} MB, vocabulary {vocab_size}")
    print(f"  {chosen.why}; the probe took {time.process_time() - start:.2f} s")
    if not isinstance(chosen.encoder, GuardedEncoder):
        return False
    all_peers = peers(tokenizer, dtype)
    taken: dict[str, list[float]] = {peer.name: [] for peer in all_peers}
    wrong = 0
    for _ in range(rounds):
        right: list[Any] = []
        for peer in all_peers:
            spent, found = seconds(peer, texts)
            right = right or found
            taken[peer.name].append(spent)
            wrong += different(peer, found, right)
    _show(taken, size)
    print(f"  documents with other ids: {wrong}")
    return wrong == 0


def _show(taken: dict[str, list[float]], size: float) -> None:
    """Medians, and in brackets the lowest and the highest of the rounds."""
    best = [min(pair) for pair in zip(*list(taken.values())[:2], strict=True)]
    for name, spent in taken.items():
        speed = [size / one for one in spent]
        ratio = [theirs / ours for theirs, ours in zip(best, spent, strict=True)]
        print(
            f"  {name:29} {statistics.median(speed):6.2f} MB/s a core ({min(speed):.2f} to {max(speed):.2f}), "
            f"{statistics.median(ratio):5.2f}x the better of tokenizers ({min(ratio):.2f} to {max(ratio):.2f})"
        )


def main() -> int:
    """0 when every peer gives the same ids and the fast path is taken, else 1."""
    parser = argparse.ArgumentParser(description="MB/s from text to token ids on one core.")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--vocab", type=int, action="append", help="size of the vocabulary trained on each corpus; repeatable")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--examples", type=int, default=10_000, help="how many to generate where no file is given")
    given = parser.parse_args()
    corpora = [(path.name, texts_of(path)) for path in given.files] or [("generated", generated(given.examples))]
    good = [compare(name, texts, size, given.rounds) for name, texts in corpora for size in given.vocab or [2048, 32_000]]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
