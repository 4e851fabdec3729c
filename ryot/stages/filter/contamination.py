"""`filter.contamination`: training documents that share runs of words with what the model is evaluated on.

The evaluation texts become one sorted list of hashed runs, which every shard of training documents is held against.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ryot.stages.filter.settings import Contamination
from ryot.stages.filter.verdict import Dropped, Judge, Verdict
from ryot.stages.filter.words import among, batches, grams, plain

Array = np.ndarray[Any, np.dtype[Any]]


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
