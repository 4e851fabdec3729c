"""`filter.profanity`: how many of a text's words are on a list. Whole words in any case: what merely contains one does not count."""

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from ryot.plugins import NodeError
from ryot.stages.filter.files import text_of
from ryot.stages.filter.settings import Profanity
from ryot.stages.filter.verdict import Dropped, Judge, Verdict
from ryot.stages.filter.words import among, hash_words, plain
from ryot.stages.inputs import proven


def judge(settings: Profanity) -> Judge:
    """The filter of these settings. Raises NodeError for a list that cannot be read."""
    listed = hash_words(_list(settings))

    def judged(texts: Sequence[str]) -> list[Verdict]:
        words = plain(texts)
        hits_T = np.diff(np.searchsorted(np.flatnonzero(among(words.hashes_W, listed)), words.first_T1))
        counts_T = words.counts
        most_T = np.full(len(texts), np.inf) if settings.max_words is None else np.full(len(texts), float(settings.max_words))
        if settings.max_share is not None:
            most_T = np.minimum(most_T, settings.max_share * counts_T)
        return [
            text if hits <= most else Dropped("profanity", f"{hits} of {count} words are on the list")
            for text, hits, count, most in zip(texts, hits_T, counts_T, most_T, strict=True)
        ]

    return judged


def _list(settings: Profanity) -> list[str]:
    if settings.words is not None:
        file = settings.words
        with proven(Path(file.path), file.digest, file.written) as path:
            words = [word.strip() for word in text_of(path, file.written).splitlines()]
    else:
        words = tomllib.loads(files("ryot.stages.filter").joinpath("profanity.toml").read_text(encoding="utf-8"))["words"]
    if not any(words):
        raise NodeError("the list of words is empty", hint="write one word a line")
    return [word for word in words if word]
