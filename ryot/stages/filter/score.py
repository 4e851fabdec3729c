"""`filter.score`: a number for how good a text is, and the threshold below which the lowest share of the training documents lies.

Two phases: every shard's scores are found, the threshold is taken from all of them, then every shard is cut.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from ryot.stages.filter.words import Words, among, blank_parted, distinct, is_letter, sums

Array = np.ndarray[Any, np.dtype[Any]]
FUNCTION_WORDS = tuple(
    "the of and to a in is was for on that with as by it at from be are were this an or which his he but have had not they their "  # noqa: SIM905
    "one has its been her she you we all can more who will there when if would so no what up out them some".split()
)
_END = (".", "!", "?", '"', "'", "”", "’", ":", ";")


def scores(texts: Sequence[str]) -> Array:
    """Of each text the mean of FEATURES, each between 0 (bad) and 1 (as in edited prose). A text without words has 0."""
    words = blank_parted(texts)
    found: Array = np.mean([feature(words) for feature in FEATURES.values()], axis=0)
    found[words.counts == 0] = 0
    return found


def threshold(scores: Array, drop_lowest: float) -> float:
    """The score of the document at the place `drop_lowest` of the way through all in order. Those below it are dropped, and those that
    have it stay: of equal scores none is cut off by chance, so fewer may be dropped, never more."""
    place = min(int(drop_lowest * len(scores)), len(scores) - 1)
    return float(np.partition(scores, place)[place])


def function_words(words: Words) -> Array:
    """Enough of the commonest English words: 1 from 30 % of the words on, 0 below 5 %."""
    return _ramp(sums(among(words.hashes_W, _function_hashes()), words) / np.maximum(words.counts, 1), 0.05, 0.30)


def letters(words: Words) -> Array:
    """Characters of words that are letters: 1 from 90 % on, 0 below 50 %."""
    letters_C1 = np.concatenate(([0], np.cumsum(is_letter(words.codes_C))))
    found_T = letters_C1[words.begin_T1[1:]] - letters_C1[words.begin_T1[:-1]]
    return _ramp(found_T / np.maximum(sums(words.ends_W - words.starts_W, words), 1), 0.5, 0.9)


def word_length(words: Words) -> Array:
    """Words neither short nor long: 1 at a mean of 4 to 6.5 characters, 0 below 2 and above 12."""
    mean_T = sums(words.ends_W - words.starts_W, words) / np.maximum(words.counts, 1)
    return np.minimum(_ramp(mean_T, 2, 4), _ramp(-mean_T, -12, -6.5))


def variety(words: Words) -> Array:
    """Different words by the square root of all words (Guiraud's index): 1 from 6 on, 0 below 2."""
    return _ramp(distinct(words) / np.sqrt(np.maximum(words.counts, 1)), 2, 6)


def sentence_length(words: Words) -> Array:
    """Words to a sentence: 1 at 8 to 35, 0 below 2 and above 80."""
    ends_T = np.array([max(text.count(". ") + text.count("? ") + text.count("! ") + text.count(".\n") + 1, 1) for text in words.texts])
    mean_T = words.counts / ends_T
    return np.minimum(_ramp(mean_T, 2, 8), _ramp(-mean_T, -80, -35))


def line_ends(words: Words) -> Array:
    """Lines that end in punctuation: 1 from 80 % of them on, 0 for none."""
    found = []
    for text in words.texts:
        lines = [line for line in text.split("\n") if line]
        found.append(sum(line.rstrip().endswith(_END) for line in lines) / max(len(lines), 1))
    return _ramp(np.array(found), 0, 0.8)


def length(words: Words) -> Array:
    """Enough to say something: 1 from 200 words on, 0 for none."""
    return _ramp(words.counts.astype(float), 0, 200)


Feature = Callable[[Words], Array]
FEATURES: dict[str, Feature] = {
    "function words": function_words,
    "letters": letters,
    "word length": word_length,
    "variety": variety,
    "sentence length": sentence_length,
    "line ends": line_ends,
    "length": length,
}


def _ramp(values: Array, low: float, high: float) -> Array:
    ramp: Array = np.clip((values - low) / (high - low), 0, 1)
    return ramp


@cache
def _function_hashes() -> Any:
    return np.unique(blank_parted([*FUNCTION_WORDS, *map(str.capitalize, FUNCTION_WORDS)]).hashes_W)
