"""Words as arrays: the same words, whatever batch they are in, and the runs of them."""

import re

import numpy as np
import pytest

from ryot.stages.filter.words import among, batches, blank_parted, distinct, grams, plain, run_hashes

TEXTS = ["The cat, the CAT!", "", "  ", "naïve Ünï größe 𝔘nicode 漢字", "a-b_c 12.5", "x" * 9, "...", "\u0130stanbul\u00a0x"]


def test_words_are_runs_of_letters_and_digits_in_lower_case() -> None:
    found = plain(TEXTS)
    wanted = [re.findall(r"[^\W_]+", text) for text in TEXTS]
    assert found.counts.tolist() == [len(words) for words in wanted]
    assert plain(["CAT cat"]).hashes_W.tolist() == found.hashes_W[[1, 3]].tolist()


def test_blank_parted_words_are_what_split_gives() -> None:
    found = blank_parted(TEXTS)
    assert found.counts.tolist() == [len(text.split()) for text in TEXTS]
    joined = " ".join([*TEXTS, ""])
    places = zip(found.starts_W.tolist(), found.ends_W.tolist(), strict=True)
    assert [joined[start:end] for start, end in places] == [word for text in TEXTS for word in text.split()]


def test_a_hash_depends_on_the_word_alone() -> None:
    many, one = blank_parted(["some words before", "and then river"]), blank_parted(["river"])
    assert many.hashes_W[-1] == one.hashes_W[0]
    words = [f"word{number}" for number in range(20_000)]
    assert len(np.unique(blank_parted([" ".join(words)]).hashes_W)) == len(words)


def test_distinct_words_are_counted_for_each_text() -> None:
    assert distinct(blank_parted(["a b a", "", "a a a", "b"])).tolist() == [2, 0, 1, 1]


def test_runs_do_not_cross_texts_and_short_texts_have_one() -> None:
    found = grams(plain(["a b c d", "a b", "", "b c d"]), 3)
    assert np.diff(found.first_T1).tolist() == [2, 1, 1, 1]
    assert found.of(0)[1] == found.of(3)[0]
    assert len(set(found.hashes_G.tolist())) == 4
    assert len(run_hashes(found.hashes_G, 9)) == 0


def test_texts_without_words_are_alike_only_when_they_are_the_same() -> None:
    found = grams(plain(["...", "!!!", "..."]), 5)
    assert found.of(0) == found.of(2) != found.of(1)


def test_a_text_longer_than_a_batch_is_taken_whole() -> None:
    long = "word " * 200_000
    assert list(batches(["a", long, "b"])) == [["a", long], ["b"]]
    assert plain([long]).counts.tolist() == [200_000]
    assert len(np.unique(plain([long]).hashes_W)) == 1


@pytest.mark.parametrize("size", [0, 1, 7, 5000])
def test_among_finds_what_isin_finds(size: int) -> None:
    random = np.random.default_rng(1)
    values = random.integers(0, 1 << 63, 20_000, dtype=np.uint64) << np.uint64(1)
    listed = np.unique(np.concatenate([values[:size], random.integers(0, 1 << 63, size, dtype=np.uint64)]))
    assert (among(values, listed) == np.isin(values, listed)).all()


def test_words_are_the_same_in_every_form_of_unicode() -> None:
    wanted = plain(["office cafe\u0301 straße 42"]).hashes_W.tolist()
    spelt = ["o\ufb03ce café STRASSE ４２", "of\u00adfice caf\u00e9\u200b stra\u1e9ee 42", "🙂office🙂café \U000e0067straße 👍🏽42"]
    for text in spelt:
        assert plain([text, "ascii"]).hashes_W.tolist()[:4] == wanted
    assert plain(spelt).counts.tolist() == [4, 4, 4]
