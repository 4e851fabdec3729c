"""`filter.contamination`: training documents that share runs of words with what the model is evaluated on.

The evaluation texts become one sorted list of hashed runs, which every shard of training documents is held against. A text counts in
every form in which a document may hold it: with words parted at line ends or whole, and as the filters before this one leave it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ryot.stages.filter import normalise, personal
from ryot.stages.filter.settings import Contamination
from ryot.stages.filter.verdict import Dropped, Judge, Verdict
from ryot.stages.filter.words import among, batches, grams, plain

Array = np.ndarray[Any, np.dtype[Any]]
Forms = Callable[[str], list[str]]
_PARTED = re.compile(r"(?<=\w)[-\u00ad\u2010]\s*\n\s*(?=\w)")


def runs_of(texts: Iterable[str], size: int, forms: Forms) -> tuple[Array, int]:
    """All runs of `size` words of the texts in all their forms, sorted, each once; and how many texts were too short to have one."""
    found, short = [np.zeros(0, np.uint64)], 0
    for batch in batches(texts):
        others = [form for text in batch for form in forms(text)]
        words = plain([*batch, *others])
        long_T = words.counts >= size
        short += len(batch) - int(long_T[: len(batch)].sum())
        runs = grams(words, size)
        found.append(np.unique(runs.hashes_G[np.repeat(long_T, np.diff(runs.first_T1))]))
    return np.unique(np.concatenate(found)), short


def forms_of(settings: Contamination) -> Forms:
    """What gives the other forms of an evaluation text, as far as they differ from it."""
    judges = [normalise.judge(settings.normalise)] if settings.normalise is not None else []
    judges += [personal.judge(settings.personal)] if settings.personal is not None else []

    def forms(text: str) -> list[str]:
        filtered = text
        for judge in judges:
            (verdict,) = judge([filtered])
            filtered = verdict if isinstance(verdict, str) else filtered
        return sorted({text, filtered, whole(text), whole(filtered)} - {text})

    return forms


def whole(text: str) -> str:
    """The text with the words whole that a hyphen parts at the end of a line."""
    return _PARTED.sub("", text) if "\n" in text else text


def judge(settings: Contamination, runs: Array) -> Judge:
    """The filter of these settings for training documents; `runs` are those of the evaluation texts."""

    def judged(texts: Sequence[str]) -> list[Verdict]:
        verdicts = _verdicts(texts, settings, runs)
        parted = [place for place, text in enumerate(texts) if whole(text) != text]
        for place, verdict in zip(parted, _verdicts([whole(texts[place]) for place in parted], settings, runs), strict=True):
            if isinstance(verdict, Dropped):
                verdicts[place] = verdict
        return verdicts

    return judged


def _verdicts(texts: Sequence[str], settings: Contamination, runs: Array) -> list[Verdict]:
    if not texts:
        return []
    words = plain(texts)
    own = grams(words, settings.words)
    counts_T = np.diff(own.first_T1)
    hits_T = np.add.reduceat(among(own.hashes_G, runs), own.first_T1[:-1], dtype=np.int64)
    bad_T = (hits_T > 0) & (hits_T >= settings.coverage * counts_T) & (words.counts >= settings.words)
    return [
        Dropped("contamination", f"{hits} of {count} runs of {settings.words} words are in what is evaluated on") if bad else text
        for text, bad, hits, count in zip(texts, bad_T, hits_T, counts_T, strict=True)
    ]
