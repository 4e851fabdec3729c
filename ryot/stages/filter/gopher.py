"""The rules of Gopher: Rae et al. 2021, arXiv 2112.11446, section A.1.1 and table A1. A rule says of each text why it fails, or nothing.

T texts, W words, L lines. Words are what lies between blanks. Characters are all of a text's, blanks included, as the shares of table A1.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from ryot.stages.filter.words import Words, blank_parted, is_letter, run_hashes, sums

Array = np.ndarray[Any, np.dtype[Any]]
Found = dict[int, str]
"""Why texts fail, by their numbers."""

WORDS, WORD_LENGTH = (50, 100_000), (3.0, 10.0)
SYMBOLS, BULLETS, ELLIPSIS_LINES, LETTERS = 0.1, 0.9, 0.3, 0.8
STOP_WORDS, FEWEST_STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with"), 2
LINES, LINE_CHARACTERS = 0.3, 0.2
TOP = {2: 0.20, 3: 0.18, 4: 0.16}
REPEATED = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
_MARKS = ("•", "-", "*", "‣", "●", "–")


def words(words: Words) -> Found:
    """50 to 100,000 words."""
    low, high = WORDS
    return {
        int(text): f"{words.counts[text]} words, not {low} to {high}"
        for text in np.flatnonzero((words.counts < low) | (words.counts > high))
    }


def word_length(words: Words) -> Found:
    """A mean word length of 3 to 10 characters."""
    low, high = WORD_LENGTH
    mean_T = sums(words.ends_W - words.starts_W, words) / np.maximum(words.counts, 1)
    return {
        int(text): f"words of {mean_T[text]:.1f} characters on average, not {low:g} to {high:g}"
        for text in np.flatnonzero((mean_T < low) | (mean_T > high))
    }


def symbols(words: Words) -> Found:
    """At most a hash, or an ellipsis, to ten words."""
    found = {}
    for number, (text, count) in enumerate(zip(words.texts, words.counts.tolist(), strict=True)):
        hashes = text.count("#")
        ellipses = text.count("...") + text.count("…")
        if max(hashes, ellipses) > SYMBOLS * count:
            found[number] = f"{hashes} hashes and {ellipses} ellipses to {count} words"
    return found


def bullets(words: Words) -> Found:
    """At most 90 % of the lines start with a bullet."""
    return _lines(words.texts, lambda line: line.lstrip().startswith(_MARKS), BULLETS, "start with a bullet", _MARKS)


def ellipsis_lines(words: Words) -> Found:
    """At most 30 % of the lines end with an ellipsis."""
    return _lines(words.texts, lambda line: line.rstrip().endswith(("...", "…")), ELLIPSIS_LINES, "end with an ellipsis", ("...", "…"))


def letters(words: Words) -> Found:
    """At least 80 % of the words have a letter."""
    letters_C1 = np.concatenate(([0], np.cumsum(is_letter(words.codes_C))))
    share_T = sums(letters_C1[words.ends_W] > letters_C1[words.starts_W], words) / np.maximum(words.counts, 1)
    return {int(text): f"{share_T[text]:.0%} of the words have a letter" for text in np.flatnonzero(share_T < LETTERS)}


def stop_words(words: Words) -> Found:
    """At least two of the, be, to, of, and, that, have, with."""
    seen_T = np.zeros(len(words.texts), np.int64)
    for stop in _stop_hashes():
        seen_T += sums(words.hashes_W == stop, words) > 0
    return {int(text): f"{seen_T[text]} of the words {', '.join(STOP_WORDS)}" for text in np.flatnonzero(seen_T < FEWEST_STOP_WORDS)}


def repeated_lines(words: Words) -> Found:
    """At most 30 % of the lines, and 20 % of the characters, in lines that were there before."""
    return _repeated_parts(words.texts, "\n", "lines")


def repeated_paragraphs(words: Words) -> Found:
    """At most 30 % of the paragraphs, and 20 % of the characters, in paragraphs that were there before."""
    return _repeated_parts(words.texts, "\n\n", "paragraphs")


def top_ngram(words: Words) -> Found:
    """At most 20, 18, 16 % of the characters in the most frequent run of 2, 3, 4 words; of equally frequent ones the longest."""
    found: Found = {}
    text_W = words.text_of_word()
    for size, most in TOP.items():
        order, counts = _runs(words, text_W, size)
        place = order[np.cumsum(counts) - counts]
        length = words.ends_W[place + size - 1] - words.starts_W[place]
        text = text_W[place]
        ranked = np.lexsort((length, counts, text))
        last = ranked[np.flatnonzero(np.diff(text[ranked], append=-1))] if len(ranked) else ranked
        share = counts[last] * length[last] / _characters(words)[text[last]]
        for number, much in zip(text[last].tolist(), share.tolist(), strict=True):
            if much > most:
                found.setdefault(number, f"{much:.0%} of the characters are one run of {size} words")
    return found


def repeated_ngrams(words: Words) -> Found:
    """At most 15, 14, 13, 12, 11, 10 % of the characters in runs of 5 to 10 words that were there before, none counted twice.

    Words in a repeated run of ten are in repeated runs of five: who has few of these has few of those.
    """
    text_W = words.text_of_word()
    share_T = _repeated_share(words, text_W, 5)
    found: Found = {}
    for text in np.flatnonzero(share_T > min(REPEATED.values())).tolist():
        own = blank_parted([words.texts[text]])
        for size, most in REPEATED.items():
            much = _repeated_share(own, own.text_of_word(), size)[0]
            if much > most:
                found[text] = f"{much:.0%} of the characters are in runs of {size} words that were there before"
                break
    return found


def _repeated_share(words: Words, text_W: Array, size: int) -> Array:
    """The share of each text's characters, blanks inside runs included, in words of runs that an earlier one equals."""
    order, counts = _runs(words, text_W, size)
    later = np.delete(order, np.cumsum(counts) - counts)
    edges = np.zeros(len(text_W) + 1, np.int64)
    np.add.at(edges, later, 1)
    np.add.at(edges, later + size, -1)
    covered_W = np.cumsum(edges[:-1]) > 0
    length_W = words.ends_W - words.starts_W + 1
    return sums(covered_W * length_W, words) / _characters(words)


def _runs(words: Words, text_W: Array, size: int) -> tuple[Array, Array]:
    """Where the runs of words begin that are there more than once in their text, equal ones together and earlier ones first; how often
    each is there.

    Most are there once. Counting by some upper bits of their hashes leaves few others to be sorted beside those that are repeated.
    """
    rolled = run_hashes(words.hashes_W, size)
    inside = np.flatnonzero(text_W[: len(rolled)] == text_W[len(text_W) - len(rolled) :])
    keys = rolled[inside] ^ (text_W[inside].astype(np.uint64) * np.uint64(0x9FB21C651E98DF25))
    bits = max((4 * len(keys)).bit_length(), 8)
    slots = (keys >> np.uint64(64 - bits)).astype(np.int64)
    place = np.flatnonzero(np.bincount(slots, minlength=1 << bits)[slots] > 1)
    order = place[np.argsort(keys[place], kind="stable")]
    begins = np.flatnonzero(np.diff(keys[order], prepend=~keys[order[:1]]))
    counts = np.diff(np.append(begins, len(order)))
    return inside[order[np.repeat(counts > 1, counts)]], counts[counts > 1]


def _characters(words: Words) -> Array:
    count_T: Array = np.maximum(np.diff(words.begin_T1) - 1, 1)
    return count_T


@cache
def _stop_hashes() -> tuple[Any, ...]:
    return tuple(blank_parted(STOP_WORDS).hashes_W)


def _lines(texts: Sequence[str], holds: Callable[[str], bool], most: float, about: str, marks: Sequence[str]) -> Found:
    found = {}
    for number, text in enumerate(texts):
        if any(mark in text for mark in marks):
            lines = [line for line in text.split("\n") if line]
            count = sum(map(holds, lines))
            if count > most * len(lines):
                found[number] = f"{count} of {len(lines)} lines {about}"
    return found


def _repeated_parts(texts: Sequence[str], between: str, about: str) -> Found:
    found = {}
    for number, text in enumerate(texts):
        parts = [part.strip() for part in text.split(between) if part.strip()]
        if len(set(parts)) == len(parts):
            continue
        characters = sum(map(len, parts)) - sum(map(len, set(parts)))
        again = len(parts) - len(set(parts))
        if again > LINES * len(parts) or characters > LINE_CHARACTERS * len(text):
            found[number] = f"{again} of {len(parts)} {about}, {characters} of {len(text)} characters, were there before"
    return found


Rule = Callable[[Words], Found]
COSTLY = ("gopher_top_ngram", "gopher_repeated_ngrams")
"""Rules that are best asked only of texts that passed the others."""
RULES: dict[str, Rule] = {
    "gopher_words": words,
    "gopher_word_length": word_length,
    "gopher_symbols": symbols,
    "gopher_bullets": bullets,
    "gopher_ellipsis_lines": ellipsis_lines,
    "gopher_letters": letters,
    "gopher_stop_words": stop_words,
    "gopher_repeated_lines": repeated_lines,
    "gopher_repeated_paragraphs": repeated_paragraphs,
    "gopher_top_ngram": top_ngram,
    "gopher_repeated_ngrams": repeated_ngrams,
}
