"""Token ids to text: what may begin a stop is held back, and bytes of one character come together."""

import pytest

tokenizers = pytest.importorskip("tokenizers")
from ryot.generator.text import Text  # noqa: E402 - after what it needs


@pytest.fixture(scope="module")
def letters():
    """A tokenizer of bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: PLC0415

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    return tokenizer


def said(letters, words, stops=(), **fields):
    text = Text(letters, (), stops)
    return [text.add(token, **fields) for token in letters.encode(words).ids], text.rest()


def test_text_comes_letter_by_letter(letters):
    pieces, rest = said(letters, "abc")
    assert [text for text, _ in pieces] == ["a", "b", "c"]
    assert rest == ""


def test_bytes_of_one_character_come_together(letters):
    pieces, _ = said(letters, "é")
    assert [text for text, _ in pieces] == ["", "é"]


def test_what_may_begin_a_stop_is_held_back_and_given_when_it_was_none(letters):
    pieces, rest = said(letters, "xabyab", ("abc",))
    assert [text for text, _ in pieces] == ["x", "", "", "aby", "", ""]
    assert rest == "ab"


def test_a_stop_ends_the_text_before_it_whichever_comes_first(letters):
    pieces, rest = said(letters, "xaby", ("y", "ab"))
    assert pieces[2] == ("", "ab")
    assert pieces[0] == ("x", None)
    assert rest == ""


def test_too_early_a_stop_is_text(letters):
    pieces, _ = said(letters, "xab", ("ab",), may_stop=False)
    assert all(stop is None for _, stop in pieces)
