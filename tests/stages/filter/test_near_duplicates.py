"""Near-duplicates: planted ones are found, unlike texts stay, the first stays, and nothing held out is trained on."""

import random
from pathlib import Path

import numpy as np
import pytest

from ryot.stages.filter.near_duplicates import NONE, Sketches, bands_of, first_of, sketch
from ryot.stages.filter.settings import NearDuplicates
from tests.stages.filter.conftest import PROSE, Filter, settings_of, write_documents

VOCABULARY = [f"{first}{second}" for first in "bdfgklmnprst" for second in ("a", "ela", "io", "orn", "und", "ys")]
SETTINGS = settings_of("near_duplicates")
assert isinstance(SETTINGS, NearDuplicates)


def made(draw: random.Random, count: int = 120) -> list[str]:
    return draw.choices(VOCABULARY, k=count)


def shingles(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[place : place + 5]) for place in range(len(words) - 4)}


def jaccard(one: list[str], other: list[str]) -> float:
    """The similarity by its definition, on the words themselves."""
    a, b = shingles(one), shingles(other)
    return len(a & b) / len(a | b)


def changed(words: list[str], draw: random.Random, least: float, most: float) -> list[str]:
    """A text with a similarity to `words` in these bounds: its end, or words in its midst, are others."""
    while True:
        share = draw.random()
        other = words[: int(len(words) * share)] + made(draw, len(words) - int(len(words) * share))
        if draw.random() < 0.5:
            other = [draw.choice(VOCABULARY) if draw.random() < 0.02 else word for word in words]
        if least <= jaccard(words, other) <= most and other != words:
            return other


def dropped_for(texts: list[str], settings: NearDuplicates = SETTINGS) -> list[int]:
    return decided(sketch(texts, settings), settings.threshold).tolist()


def decided(found: Sketches, threshold: float) -> np.ndarray:  # type: ignore[type-arg]
    return first_of(iter(found.bands_DB.T), lambda at: found.shingles_S[found.first_D1[at] : found.first_D1[at + 1]], threshold, len(found))


def test_of_1000_planted_at_090_at_least_980_are_found() -> None:
    draw = random.Random(1)
    texts = [made(draw) for _ in range(1000)]
    twins = [changed(text, draw, 0.9, 0.99) for text in texts]
    found = dropped_for([" ".join(text) for text in texts + twins])
    assert found[:1000] == [NONE] * 1000
    right = sum(first == number for number, first in enumerate(found[1000:]))
    assert right >= 980


def test_of_1000_at_050_at_most_10_are_dropped() -> None:
    draw = random.Random(2)
    texts = [made(draw) for _ in range(1000)]
    others = [changed(text, draw, 0.3, 0.5) for text in texts]
    found = dropped_for([" ".join(text) for text in texts + others])
    assert sum(first != NONE for first in found) <= 10


def test_what_is_dropped_is_as_similar_as_the_threshold_by_definition() -> None:
    draw = random.Random(3)
    texts = [made(draw) for _ in range(60)]
    texts += [changed(text, draw, 0.7, 0.9) for text in texts for _ in range(2)]
    found = dropped_for([" ".join(text) for text in texts])
    for number, first in enumerate(found):
        if first != NONE:
            assert found[first] == NONE
            assert first < number
            assert jaccard(texts[number], texts[first]) >= 0.8
    missed = [
        n for n, first in enumerate(found) if first == NONE for m in range(n) if found[m] == NONE and jaccard(texts[n], texts[m]) >= 0.8
    ]
    assert len(missed) <= 2


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9, 1.0])
def test_bands_find_a_pair_at_the_threshold(threshold: float) -> None:
    bands, rows = bands_of(threshold)
    assert bands * rows <= 128
    assert 1 - (1 - threshold**rows) ** bands >= 0.99


def test_case_punctuation_and_blanks_make_no_difference() -> None:
    assert dropped_for([PROSE, PROSE.upper().replace(" ", "\n").replace(".", "!"), "another text"]) == [NONE, 0, NONE]


def test_short_texts_are_one_shingle() -> None:
    assert dropped_for(["Yes, it is.", "yes it is", "no it is not", "...", "!!!", "", "..."]) == [NONE, 0, NONE, NONE, NONE, NONE, 3]


def test_a_chain_of_likes_leaves_no_text_without_its_like() -> None:
    """b is like a, c is like b but not like a: b goes, c stays, since what it is like is gone."""
    words = [f"w{number}" for number in range(100)]
    b, c = [*words[6:], *(f"x{n}" for n in range(6))], [*words[12:], *(f"x{n}" for n in range(12))]
    assert jaccard(words, b) >= 0.8 > jaccard(words, c)
    assert jaccard(b, c) >= 0.8
    assert dropped_for([" ".join(words), " ".join(b), " ".join(c)]) == [NONE, 0, NONE]


def test_the_training_copy_of_a_held_out_text_goes(tmp_path: Path, filtered: Filter) -> None:
    draw = random.Random(4)
    texts = [" ".join(made(draw)) for _ in range(6)]
    train = [[texts[0], texts[1]], [texts[0] + " end", texts[2], texts[3] + " end"]]
    source = write_documents(tmp_path / "in", train=train, heldout=[[texts[2] + " end", texts[3]]], test=[[texts[3] + " too", texts[4]]])
    found = filtered(source, "near_duplicates")
    assert found.texts("test") == [texts[3] + " too", texts[4]]
    assert found.texts("heldout") == [texts[2] + " end"]
    assert found.texts() == [texts[0], texts[1]]
    assert found.funnel["examples"][0]["reason"] == "near_duplicate: like document 1 of train-0"
    assert found.funnel["found"] == {"bands": 21, "hashes_a_band": 6}


def test_near_duplicates_are_found_among_many_texts_of_one_mould() -> None:
    """Texts that share most of their words, as a template makes them, are kept; those that differ in one word of 78 are not."""
    draw = random.Random(5)
    mould = made(draw, 60)
    texts = [[*made(draw, 9), *mould, *made(draw, 9)] for _ in range(800)]
    twins = [[*text[:-1], "other"] for text in texts[500:700]]
    assert max(jaccard(texts[0], other) for other in texts[1:50]) < 0.7
    assert dropped_for([" ".join(text) for text in texts + twins]) == [NONE] * 800 + list(range(500, 700))
