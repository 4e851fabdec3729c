"""Which path encodes: the fast one where it gives the slow one's ids on every text of a probe, else the slow one.

The probe has documents of the corpus, every token of the vocabulary, every kind of character between others, and awkward texts.
"""

import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby, islice

import numpy as np
from tokenizers import Tokenizer

from ryot.plugins import Documents, NodeError
from ryot.stages.tokenizer.encoder import Encoder, SlowEncoder
from ryot.stages.tokenizer.fast import FastEncoder, NotFastError, fast_of

_DOCUMENTS, _SHARDS, _CHARACTERS = 100, 4, 20_000
_EVERY = 2000
"""One text in so many is encoded both ways while the node runs, which takes 1 to 2 % of the time."""

AWKWARD = (
    "", " ", "  ", "\n", "\t", "\r\n", "\0", "a\0b", " a", "a ", "  a  b  ", "a \n b\n \n\n  c", "\r\n\r\r\n a\r b", "\t a\t\tb \t",
    "a\x0bb\x0cc\x1cd\x1de\x1ef\x1fg", "!\x1c! \x1c ", "\x85a\xa0b\u2003 c\u2028d\u3000e\u180e f\u200bg\ufeffh",
    "don't I'll we've they're he'd she's I'm", "DON'T I'LL WE'VE THEY'RE HE'D SHE'S I'M", "'s't ''s 's' 'ſ 'S", "l’été d’hiver",
    "x=1+2*(3-4)/5%6", "1234567890 1 12 123 1,234.5 ½ Ⅷ ٣٤٥ १२३", "a1b2 3c!4?d", "!!! ... --- ___ <<48/2=24>>24", "!\n!\n\n? \n.",
    "e\u0301 \u0301 n\u0303\u0323", "🙂🙂 👩‍👩‍👧‍👦 🇩🇪 👍🏽 ❤️", "日本語のテキスト。中文，標點", "한국어 조합",
    "שלום עולם مرحبا بالعالم",
    "ไทยไม่มีช่องว่าง", "\u202eabc\u202c", "𝕏𝟙𐍈 𠀀", "<|endoftext|>", "a<|endoftext|>b <|pad|> <s></s> [CLS] <unk>", "\ufffd\uffff\U0010ffff",
    "a" * 5000, " " * 5000 + "a", "a" + "\n" * 5000, "1" * 5000, "=" * 5000, "ab" * 3000, "é" * 5000, "\t " * 3000 + "x", "a \n" * 2000,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chosen:
    """The path to take, and why, for the log."""

    encoder: Encoder
    why: str

    @property
    def fast(self) -> bool:
        """Whether it is the fast path."""
        return isinstance(self.encoder, GuardedEncoder)


class GuardedEncoder:
    """The fast path, with one text in `every` encoded the slow way too."""

    def __init__(self, fast: FastEncoder, slow: SlowEncoder, every: int = _EVERY) -> None:
        """Count starts at the first text."""
        self._fast, self._slow, self._every = fast, slow, every
        self._seen = 0

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The ids of each text. Raises NodeError where the two paths differ."""
        found = self._fast.encode(texts)
        first = -self._seen % self._every
        self._seen += len(texts)
        checked = [text[:_CHARACTERS] for text in texts[first :: self._every]]
        if (text := differing(self._fast, self._slow, checked)) is not None:
            raise NodeError(
                f"the fast path gives other tokens than `tokenizers` for a document that begins {text[:60]!r}",
                hint="set data.tokenizer.fast: false",
            )
        return found


def choose(tokenizer: Tokenizer, texts: Sequence[str], dtype: str, *, fast: bool = True) -> Chosen:
    """The path for a tokenizer: `texts` are documents of the corpus; without `fast`, or where ids differ, it is the slow one."""
    slow = SlowEncoder(tokenizer, dtype)
    if not fast:
        return Chosen(slow, "slow path: data.tokenizer.fast is false")
    try:
        path = fast_of(tokenizer, slow)
    except NotFastError as reason:
        return Chosen(slow, f"slow path: {reason}")
    probe = [*AWKWARD, *characters(), *vocabulary(tokenizer), *(text[:_CHARACTERS] for text in texts)]
    if (text := differing(path, slow, probe)) is not None:
        return Chosen(slow, f"slow path: the fast one gives other tokens for {text[:60]!r}")
    return Chosen(GuardedEncoder(path, slow), f"fast path: the tokens of `tokenizers` on all {len(probe)} texts of the probe")


def encoder_of(tokenizer: Tokenizer, dtype: str, *, fast: bool) -> Encoder:
    """The path that `choose` took, built again in another process."""
    slow = SlowEncoder(tokenizer, dtype)
    return GuardedEncoder(fast_of(tokenizer, slow), slow) if fast else slow


def differing(one: Encoder, other: Encoder, texts: Sequence[str]) -> str | None:
    """The first text for which two paths give different ids."""
    pairs = zip(texts, one.encode(texts), other.encode(texts), strict=True)
    return next((text for text, left, right in pairs if not np.array_equal(left, right)), None)


def vocabulary(tokenizer: Tokenizer) -> list[str]:
    """What each token of the vocabulary says, where that is whole characters: a merge that a path cannot make shows up there.

    Of added tokens, which are plain text in a document, it has the first twenty.
    """
    added = sorted(tokenizer.get_added_tokens_decoder())
    learnt = sorted(set(tokenizer.get_vocab(with_added_tokens=False).values()) - set(added))
    said = tokenizer.decode_batch([[number] for number in added[:20] + learnt], skip_special_tokens=False)
    return [text for text in said if "\ufffd" not in text]


@cache
def characters() -> tuple[str, ...]:
    """The first, the last and every 256th character of each stretch of one Unicode category, each beside letters, digits and signs."""
    stretches = groupby(range(sys.maxunicode + 1), lambda number: unicodedata.category(chr(number)))
    return tuple(_among_others(list(stretch)) for category, stretch in stretches if category != "Cs")


def _among_others(stretch: list[int]) -> str:
    picked = sorted({stretch[0], stretch[-1], *stretch[::256]})
    return " ".join(f"a{c}1{c}!{c} {c} \n{c}b '{c}" for c in map(chr, picked))


def spread(documents: Documents, count: int = _DOCUMENTS) -> list[str]:
    """Up to `count` training texts, spread evenly over at most four shards, and those over all."""
    shards = [shard for shard in documents.shards if shard.split == "train" and shard.documents]
    shards = shards[:: -(-len(shards) // _SHARDS) or 1]
    step = -(-sum(shard.documents for shard in shards) // count) or 1
    return [document.text for shard in shards for document in islice(documents.read(shard), 0, None, step)]
