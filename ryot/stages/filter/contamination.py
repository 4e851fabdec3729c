"""`filter.contamination`: training documents that share runs of words with what the model is evaluated on.

The evaluation texts become one sorted list of hashed runs, which every shard of training documents is held against.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ryot.plugins import NodeError
from ryot.stages.filter.files import text_of
from ryot.stages.filter.settings import Contamination, LocalFile
from ryot.stages.filter.verdict import Dropped, Judge, Verdict
from ryot.stages.filter.words import among, batches, grams, plain
from ryot.stages.inputs import proven

Array = np.ndarray[Any, np.dtype[Any]]
SUFFIXES = (".txt", ".jsonl")


def runs_of(texts: Iterable[str], size: int) -> tuple[Array, int]:
    """All runs of `size` words, sorted, each once; and how many texts were too short to have one."""
    found, short = [np.zeros(0, np.uint64)], 0
    for batch in batches(texts):
        words = plain(batch)
        long_T = words.counts >= size
        short += len(batch) - int(long_T.sum())
        runs = grams(words, size)
        found.append(np.unique(runs.hashes_G[np.repeat(long_T, np.diff(runs.first_T1))]))
    return np.unique(np.concatenate(found)), short


def judge(settings: Contamination, runs: Array) -> Judge:
    """The filter of these settings for training documents; `runs` are those of the evaluation texts."""

    def judged(texts: Sequence[str]) -> list[Verdict]:
        words = plain(texts)
        own = grams(words, settings.words)
        counts_T = np.diff(own.first_T1)
        hits_T = np.add.reduceat(among(own.hashes_G, runs), own.first_T1[:-1], dtype=np.int64)
        bad_T = (hits_T > 0) & (hits_T >= settings.coverage * counts_T) & (words.counts >= settings.words)
        return [
            Dropped("contamination", f"{hits} of {count} runs of {settings.words} words are in what is evaluated on") if bad else text
            for text, bad, hits, count in zip(texts, bad_T, hits_T, counts_T, strict=True)
        ]

    return judged


def evaluation_texts(file: LocalFile) -> Iterator[str]:
    """The texts of an evaluation file, or of all in a folder. Raises NodeError for one of another kind, or that cannot be read."""
    with proven(Path(file.path), file.digest, file.written) as root:
        yield from _texts_below(root, file)


def _texts_below(root: Path, file: LocalFile) -> Iterator[str]:
    paths = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.suffix in SUFFIXES)
    if not paths or paths[0].suffix not in SUFFIXES:
        raise NodeError(f"{file.written} is not, and does not hold, a .txt or .jsonl file", hint="convert it to JSON lines")
    for path in paths:
        text = text_of(path, file.written)
        if path.suffix == ".txt":
            yield text
        else:
            yield from _strings_of_lines(text, path)


def _strings_of_lines(text: str, path: Path) -> Iterator[str]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                record = json.loads(line)
            except ValueError as error:
                raise NodeError(f"{path.name}:{number}: bad JSON: {error}") from None
            yield from _strings(record)


def _strings(value: object) -> Iterator[str]:
    """Every string in a JSON value; the names of its fields are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        yield from _strings(list(value.values()))
