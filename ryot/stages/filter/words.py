"""The words of many texts at once, as arrays: where each lies and a hash of it. What takes Python a step a word takes numpy one a batch.

Shapes: C characters of all texts with a blank behind each, W words, T texts. A word's hash is that of its characters alone.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

_FACTOR = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2^64
_GRAM_FACTOR = np.uint64(0xD6E8FEB86659FD93)
_PLANES = 1 << 17  # Unicode's first two planes; of what lies above, letters stand below _LETTERS
_LETTERS = 0xE0000
BATCH = 1 << 18
"""Characters that are looked at together: their arrays fit a processor's cache."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of T texts. `first_T1[t]` is the number of text t's first word, `begin_T1[t]` of its first character."""

    texts: Sequence[str]
    codes_C: Array
    starts_W: Array
    ends_W: Array
    hashes_W: Array
    first_T1: Array
    begin_T1: Array

    @property
    def counts(self) -> Array:
        """How many words each text has: T numbers."""
        return _array(np.diff(self.first_T1))

    def text_of_word(self) -> Array:
        """The number of the text that each word is in."""
        return np.repeat(np.arange(len(self.first_T1) - 1), self.counts)


def blank_parted(texts: Sequence[str]) -> Words:
    """Words as a typist counts them: what lies between blanks, punctuation and case included."""
    codes_C, begin_T1 = _codes(texts)
    return _words(texts, codes_C, codes_C, ~_looked_up(codes_C, "blank"), begin_T1)


def plain(texts: Sequence[str]) -> Words:
    """Words as one hears them: runs of letters and digits in lower case, in whatever form Unicode spells them: composed or not, wide, as
    ligatures, with marks and what is not seen (soft hyphens, joiners) left out."""
    if all(map(str.isascii, texts)):
        codes_C, begin_T1 = _codes(texts)
        return _words(texts, codes_C, _looked_up(codes_C, "lower"), _looked_up(codes_C, "alphanumeric"), begin_T1)
    codes_C, begin_T1 = _seen(*_codes([text if text.isascii() else _folded(text) for text in texts]))
    return _words(texts, codes_C, _looked_up(codes_C, "lower"), _looked_up(codes_C, "alphanumeric"), begin_T1)


def sums(values_W: Array, words: Words) -> Array:
    """Of each text the sum of what is given for its words."""
    sums_W1 = np.concatenate(([0], np.cumsum(values_W)))
    return _array(sums_W1[words.first_T1[1:]] - sums_W1[words.first_T1[:-1]])


def hash_words(words: Iterable[str]) -> Array:
    """The hashes that `plain` gives to these words, sorted. A word of several parts gives one for each part."""
    return np.unique(plain(list(words)).hashes_W)


@dataclass(frozen=True, slots=True)
class Grams:
    """The n-grams of T texts: G hashes, and `first_T1[t]`, the number of text t's first."""

    hashes_G: Array
    first_T1: Array

    def of(self, text: int) -> Array:
        """Those of one text."""
        return self.hashes_G[self.first_T1[text] : self.first_T1[text + 1]]


def grams(words: Words, size: int) -> Grams:
    """All runs of `size` words. A text of fewer words has one, of all its words, and a text of none has one that is its own."""
    counts_T = words.counts
    short_T = np.flatnonzero(counts_T < size)
    rolled = run_hashes(words.hashes_W, size)
    grams_T = np.maximum(counts_T - size + 1, 1)
    first_T1 = np.concatenate(([0], np.cumsum(grams_T)))
    place_G = np.arange(first_T1[-1]) - np.repeat(first_T1[:-1] - words.first_T1[:-1], grams_T)
    long_G = np.repeat(counts_T >= size, grams_T)
    hashes_G = np.zeros(len(place_G), np.uint64)
    hashes_G[long_G] = rolled[place_G[long_G]]
    for text in short_T:
        inside = words.hashes_W[words.first_T1[text] : words.first_T1[text + 1]]
        if not len(inside):
            inside = words.codes_C[words.begin_T1[text] : words.begin_T1[text + 1]].astype(np.uint64)
        hashes_G[first_T1[text]] = run_hashes(inside, len(inside))[0]
    return Grams(hashes_G, first_T1)


def run_hashes(hashes_W: Array, size: int) -> Array:
    """A hash of every run of `size` numbers, W - size + 1 of them."""
    count = max(len(hashes_W) - size + 1, 0)
    rolled = hashes_W[:count].copy()
    for step in range(1, size):
        rolled *= _GRAM_FACTOR
        rolled += hashes_W[step : count + step]
    return mixed(rolled)


def mixed(values: Array) -> Array:
    """Numbers whose every bit depends on every bit: the end of splitmix64 (Steele, Lea and Flood 2014)."""
    values = values ^ (values >> np.uint64(30))
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    return _array(values ^ (values >> np.uint64(31)))


def among(hashes: Array, listed: Array) -> Array:
    """Which hashes are in a sorted list. Few have the upper bits of one that is, and only these are looked up."""
    shift = np.uint64(64 - max(len(listed).bit_length() + 3, 8))
    table = np.zeros(1 << (64 - int(shift)), bool)
    table[listed >> shift] = True
    found = table[hashes >> shift]
    maybe = np.flatnonzero(found)
    place = np.minimum(np.searchsorted(listed, hashes[maybe]), max(len(listed) - 1, 0))
    found[maybe] = listed[place] == hashes[maybe]
    return _array(found)


def batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts in lists of about BATCH characters."""
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def distinct(words: Words) -> Array:
    """How many different words each text has."""
    shift = np.uint64(40)  # a text's number above, the word's hash below: sorted, they are together
    ranked = np.sort((words.text_of_word().astype(np.uint64) << shift) | (words.hashes_W >> np.uint64(24)))
    first = np.diff(ranked, prepend=np.uint64(2**64 - 1)) != 0
    return _array(np.bincount((ranked[first] >> shift).astype(np.int64), minlength=len(words.texts)))


def _array(values: Any) -> Array:
    """What numpy's stubs call Any."""
    assert isinstance(values, np.ndarray)
    return values


def _codes(texts: Sequence[str]) -> tuple[Array, Array]:
    codes_C = np.frombuffer(" ".join([*texts, ""]).encode("utf-32-le", "surrogatepass"), "<u4")
    begin_T1 = np.concatenate(([0], np.cumsum([len(text) + 1 for text in texts]))).astype(np.int64)
    return codes_C, begin_T1


def _words(texts: Sequence[str], codes_C: Array, spelt_C: Array, inside_C: Array, begin_T1: Array) -> Words:
    edges = np.flatnonzero(np.diff(inside_C.view(np.int8), prepend=np.int8(0), append=np.int8(0)))
    starts_W, ends_W = edges[::2], edges[1::2]
    powers, inverses = _powers(_rounded(len(codes_C)))
    sums_C1 = np.empty(len(codes_C) + 1, np.uint64)
    sums_C1[0] = 0
    np.cumsum(spelt_C * powers[: len(codes_C)], out=sums_C1[1:])
    hashes_W = mixed((sums_C1[ends_W] - sums_C1[starts_W]) * inverses[starts_W])
    first_T1 = np.searchsorted(starts_W, begin_T1)
    return Words(texts, codes_C, starts_W, ends_W, hashes_W, first_T1, begin_T1)


def _rounded(length: int) -> int:
    return 1 << max(length - 1, BATCH).bit_length()


@cache
def _powers(length: int) -> tuple[Array, Array]:
    """The powers of the factor, and of its inverse, modulo 2^64."""
    inverse = pow(_FACTOR, -1, 1 << 64)
    tables = []
    for factor in (_FACTOR, inverse):
        table = np.full(length, factor, np.uint64)
        table[0] = 1
        tables.append(np.cumprod(table, dtype=np.uint64))
    return tables[0], tables[1]


def _folded(text: str) -> str:
    """Unicode's NFKC of the text, and without case."""
    return unicodedata.normalize("NFKC", text).casefold()


def _seen(codes_C: Array, begin_T1: Array) -> tuple[Array, Array]:
    """Without marks and format characters."""
    unseen_C = _looked_up(codes_C, "unseen")
    if not unseen_C.any():
        return codes_C, begin_T1
    return codes_C[~unseen_C], begin_T1 - np.concatenate(([0], np.cumsum(unseen_C)))[begin_T1]


@cache
def _table(name: str) -> Array:
    """A property of the characters of Unicode's first two planes."""
    chars = [chr(code) for code in range(_PLANES)]
    if name == "lower":
        return np.array([ord(low) if len(low := char.lower()) == 1 else ord(char) for char in chars], np.uint64)
    return np.fromiter(map(_PROPERTIES[name], chars), bool, _PLANES)


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char) in ("Mn", "Cf")


_PROPERTIES: dict[str, Callable[[str], bool]] = {
    "blank": str.isspace,
    "alphanumeric": str.isalnum,
    "letter": str.isalpha,
    "unseen": _is_unseen,
}


def _looked_up(codes_C: Array, name: str) -> Array:
    """The property of each character. Above the second plane are letters, and above those what is not seen."""
    table = _table(name)
    if not len(codes_C) or codes_C.max() < _PLANES:
        return table[codes_C]
    above: dict[str, Any] = {
        "lower": codes_C,
        "blank": False,
        "alphanumeric": codes_C < _LETTERS,
        "letter": codes_C < _LETTERS,
        "unseen": codes_C >= _LETTERS,
    }
    return _array(np.where(codes_C < _PLANES, table[np.minimum(codes_C, _PLANES - 1)], above[name]))


def is_letter(codes_C: Array) -> Array:
    """Which characters are letters."""
    return _looked_up(codes_C, "letter")
