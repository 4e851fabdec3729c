"""Text to ids by a dictionary of chunks that were encoded before, and by `tiktoken` for new ones.

A chunk is a run of white space and what follows it. No piece of the patterns below goes on from a visible character into a
space, so a text may be cut there and its chunks encoded one by one. That the same ids come out is for probe.py to show.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tiktoken
from tokenizers import Tokenizer, pre_tokenizers

from ryot.stages.tokenizer.encoder import SlowEncoder

# White_Space of the Unicode character database; unchanged since Unicode 6.3. Python's own \s has four control characters more.
_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_BEFORE_ANY_SPACE = re.compile(rf"[{_SPACE}]*+[^{_SPACE}]++|[{_SPACE}]++")
# Where punctuation takes the line ends behind it along, only a blank is sure to begin a new piece.
# The group is repeated greedily: Python before 3.11.4 loses its place in possessive groups. Nothing follows it, so the same is found.
_BEFORE_A_BLANK = re.compile(rf"[{_SPACE}]*+[^{_SPACE}]++(?:(?! )[{_SPACE}]++[^{_SPACE}]++)*|[{_SPACE}]++")

# The split that ByteLevel(use_regex=True) makes, as tiktoken writes it for GPT-2.
_GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
_CASED = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_KNOWN_SPLITS = (_CASED + r"\p{N}{1,3}" + _TAIL, _CASED + r"\p{N}" + _TAIL)
"""The patterns of Llama 3 and of Qwen 2."""

_LONG = 2048
"""Characters from which a chunk goes the slow way: tiktoken's pattern engine may give up on very long runs."""
_KEPT = 48
"""Characters up to which a chunk is worth keeping."""
_LIMIT = 1 << 18
"""Chunks kept; about 50 MB. The first ones seen are, by Zipf's law, mostly the frequent ones."""


class NotFastError(Exception):
    """The tokenizer is of a kind that the fast path does not know; the message says which."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A tokenizer for tiktoken, which numbers tokens by rank: `ids[rank]` is the token's id. Texts may be cut by `cut`."""

    encoding: tiktoken.Encoding
    ids: list[int]
    cut: re.Pattern[str]


class FastEncoder:
    """Encodes chunk by chunk from a bounded dictionary. Build it with `fast_of`; take it only where probe.py proves it."""

    def __init__(self, slow: SlowEncoder, translation: Translation) -> None:
        """`slow` encodes what is too long for tiktoken, and gives the type of the ids."""
        self.dtype = slow.dtype
        self._cut = translation.cut
        codes = [number.tobytes() for number in np.array(translation.ids, dtype=slow.dtype)]
        self._known = _Chunks(slow, translation.encoding, codes)

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The ids of each text, in order; the arrays are read-only."""
        chunks, bytes_of = self._cut.findall, self._known.__getitem__
        return [np.frombuffer(b"".join(map(bytes_of, chunks(text))), dtype=self.dtype) for text in texts]


class _Chunks(dict[str, bytes]):
    """The ids of chunks as the bytes they are stored in; a chunk that is missing is encoded."""

    def __init__(self, slow: SlowEncoder, encoding: tiktoken.Encoding, codes: list[bytes]) -> None:
        super().__init__()
        self._slow = slow
        self._ranks_of = encoding.encode_ordinary
        self._code_of = codes.__getitem__

    def __missing__(self, chunk: str) -> bytes:
        if len(chunk) > _LONG:
            return self._slow.encode([chunk])[0].tobytes()
        chunk.encode()  # half of a surrogate pair is an error, as in `tokenizers`; tiktoken would replace it
        found = b"".join(map(self._code_of, self._ranks_of(chunk)))
        if len(chunk) <= _KEPT and len(self) < _LIMIT:
            self[chunk] = found
        return found


def fast_of(tokenizer: Tokenizer, slow: SlowEncoder) -> FastEncoder:
    """The fast path of a byte-level BPE, yet to be proven. Raises NotFastError for any other kind of tokenizer."""
    return FastEncoder(slow, translate(tokenizer))


def translate(tokenizer: Tokenizer) -> Translation:
    """A byte-level BPE as tiktoken has it. Raises NotFastError for any other kind of tokenizer."""
    parts = json.loads(tokenizer.to_str())
    _plain(parts)
    pattern, cut = _split(parts["pre_tokenizer"])
    ranks = _ranks(parts["model"])
    of_bytes = {letter: bytes([number]) for letter, number in _byte_letters().items()}
    named = {b"".join(of_bytes[letter] for letter in token): rank for rank, token in enumerate(ranks)}
    encoding = tiktoken.Encoding("ryot", pat_str=pattern, mergeable_ranks=named, special_tokens={})
    return Translation(encoding, [parts["model"]["vocab"][token] for token in ranks], cut)


def _plain(parts: dict[str, Any]) -> None:
    """Raise NotFastError where something besides split and merges decides on the ids."""
    model = parts["model"]
    if model["type"] != "BPE":
        raise NotFastError(f"its model is {model['type']}, not BPE")
    if parts["normalizer"] is not None:
        raise NotFastError("it has a normalizer")
    for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"):
        if model.get(name):
            raise NotFastError(f"its BPE has {name}")
    if loose := [token["content"] for token in parts["added_tokens"] if not token["special"]]:
        raise NotFastError(f"its added token {loose[0]!r} is not special, so it is cut out of texts")


def _split(pre: dict[str, Any] | None) -> tuple[str, re.Pattern[str]]:
    """The pattern of pieces for tiktoken, and where texts may be cut without cutting a piece."""
    steps = [] if pre is None else pre["pretokenizers"] if pre["type"] == "Sequence" else [pre]
    match steps:
        case [{"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}]:
            return _GPT2, _BEFORE_ANY_SPACE
        case [
            {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False},
        ] if pattern in _KNOWN_SPLITS:
            return pattern, _BEFORE_A_BLANK
    raise NotFastError("its pre-tokenizer is none of those of GPT-2, Llama 3 and Qwen 2")


def _ranks(model: dict[str, Any]) -> list[str]:
    """Tokens in the order tiktoken merges them: the bytes, then what each merge makes."""
    letters = list(_byte_letters())
    made = ["".join(pair.split(" ") if isinstance(pair, str) else pair) for pair in model["merges"]]
    if missing := next((token for token in [*letters, *made] if token not in model["vocab"]), None):
        raise NotFastError(f"its vocabulary lacks {missing!r}")
    # Where two merges make one token, tiktoken merges both at the rank of the first.
    return list(dict.fromkeys([*letters, *made]))


def _byte_letters() -> dict[str, int]:
    """The letter that stands for each byte in a byte-level vocabulary, after GPT-2's bytes_to_unicode."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = sorted(set(range(256)) - set(shown))
    letters = {chr(number): number for number in shown} | {chr(256 + place): number for place, number in enumerate(hidden)}
    assert set(letters) == set(pre_tokenizers.ByteLevel.alphabet())
    return letters
