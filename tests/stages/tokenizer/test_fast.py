"""The fast path: the ids of `tokenizers` for any text, for bounded memory, and refused for tokenizers of another kind."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from ryot.stages.tokenizer import fast
from ryot.stages.tokenizer.bpe import END, PAD
from ryot.stages.tokenizer.encoder import SlowEncoder
from ryot.stages.tokenizer.fast import FastEncoder, NotFastError, fast_of
from ryot.stages.tokenizer.probe import AWKWARD, characters, differing
from tests.stages.tokenizer.made import TEXTS, changed, small, split_by

LLAMA3, QWEN2 = fast._KNOWN_SPLITS


def both(tokenizer: Tokenizer, dtype: str = "uint16") -> tuple[FastEncoder, SlowEncoder]:
    slow = SlowEncoder(tokenizer, dtype)
    return fast_of(tokenizer, slow), slow


KINDS = {"gpt2": both(small()), "llama3": both(split_by(LLAMA3)), "qwen2": both(split_by(QWEN2))}
kinds = pytest.mark.parametrize("kind", KINDS)

_PIECES = st.sampled_from(
    [" ", "  ", "\n", "\r\n", "\t", "'s", "'LL", "a", "Step", "é", "e\u0301", "1", "23", "=", "!?", "\x1c", "日", "🙂", "\xa0", END]
)


@kinds
@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.lists(_PIECES).map("".join)))
def test_any_text_gets_the_same_ids(kind: str, text: str) -> None:
    ours, theirs = KINDS[kind]
    assert differing(ours, theirs, [text]) is None


@kinds
def test_awkward_texts_and_documents_get_the_same_ids(kind: str) -> None:
    ours, theirs = KINDS[kind]
    assert differing(ours, theirs, [*AWKWARD, *TEXTS]) is None


@pytest.mark.heavy
@kinds
def test_every_character_gets_the_same_ids(kind: str) -> None:
    ours, theirs = KINDS[kind]
    every = [chr(number) for number in range(0x110000) if not 0xD800 <= number < 0xE000]
    rows = ["".join(f"a{c}!{c} {c}" for c in every[first : first + 256]) for first in range(0, len(every), 256)]
    assert differing(ours, theirs, rows) is None
    assert differing(ours, theirs, [*characters()]) is None


@pytest.mark.parametrize("run", ["a", " ", "=", "\n", "é", " \n", "1"])
def test_a_very_long_run_ends_with_the_same_ids(run: str) -> None:
    ours, theirs = KINDS["gpt2"]
    text = run * (300_000 // len(run)) + "x"
    assert differing(ours, theirs, [text]) is None


def test_special_tokens_inside_a_text_are_plain_text() -> None:
    tokenizer = small()
    ours, _ = both(tokenizer)
    (ids,) = ours.encode([f"a{END}b{PAD}"])
    assert not {tokenizer.token_to_id(END), tokenizer.token_to_id(PAD)} & set(ids.tolist())


@pytest.mark.parametrize("dtype", ["uint16", "uint32"])
def test_ids_come_in_the_type_asked_for(dtype: str) -> None:
    for encoder in both(small(), dtype):
        assert [ids.dtype for ids in encoder.encode(["a b", ""])] == [np.dtype(dtype)] * 2


def test_the_highest_id_of_16_bits_is_kept() -> None:
    tokenizer = changed(lambda parts: parts["model"]["vocab"].update({"a": 65_535}))
    ours, theirs = both(tokenizer)
    assert ours.encode(["a"])[0].tolist() == theirs.encode(["a"])[0].tolist() == [65_535]


def test_an_id_too_large_for_the_type_is_refused() -> None:
    tokenizer = changed(lambda parts: parts["model"]["vocab"].update({"a": 65_536}))
    with pytest.raises(OverflowError):
        both(tokenizer)


def test_a_full_dictionary_and_long_chunks_change_no_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "_LIMIT", 5)
    ours, theirs = both(small())
    texts = [*TEXTS[:50], "x" * (fast._KEPT + 1), "y" * (fast._LONG + 1)]
    assert differing(ours, theirs, texts) is None
    assert differing(ours, theirs, texts) is None
    assert len(ours._known) == 5


def test_a_half_of_a_surrogate_pair_is_refused_by_both() -> None:
    for encoder in KINDS["gpt2"]:
        with pytest.raises((UnicodeEncodeError, TypeError)):
            encoder.encode(["a \ud800 b"])


def _normalizes(parts: dict[str, Any]) -> None:
    parts["normalizer"] = {"type": "NFC"}


def _splits_digits(parts: dict[str, Any]) -> None:
    parts["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, parts["pre_tokenizer"]]}


def _adds_a_space(parts: dict[str, Any]) -> None:
    parts["pre_tokenizer"]["add_prefix_space"] = True


def _has_a_loose_token(parts: dict[str, Any]) -> None:
    parts["added_tokens"][1]["special"] = False


def _drops_merges(parts: dict[str, Any]) -> None:
    parts["model"]["dropout"] = 0.5


def _falls_back(parts: dict[str, Any]) -> None:
    parts["model"]["byte_fallback"] = True


def _lacks_a_byte(parts: dict[str, Any]) -> None:
    parts["model"]["vocab"]["other"] = parts["model"]["vocab"].pop("ÿ")


def _has_no_pre_tokenizer(parts: dict[str, Any]) -> None:
    parts["pre_tokenizer"] = None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_normalizes, "normalizer"),
        (_splits_digits, "pre-tokenizer"),
        (_adds_a_space, "pre-tokenizer"),
        (_has_no_pre_tokenizer, "pre-tokenizer"),
        (_has_a_loose_token, r"<\|pad\|>"),
        (_drops_merges, "dropout"),
        (_falls_back, "byte_fallback"),
        (_lacks_a_byte, "lacks 'ÿ'"),
    ],
)
def test_another_kind_of_tokenizer_is_not_for_it(change: Callable[[dict[str, Any]], None], said: str) -> None:
    with pytest.raises(NotFastError, match=said):
        both(changed(change))


def test_another_model_is_not_for_it() -> None:
    parts = {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}
    whole = json.loads(small().to_str()) | {"model": parts, "added_tokens": []}
    with pytest.raises(NotFastError, match="WordLevel"):
        both(Tokenizer.from_str(json.dumps(whole)))
