"""The score tells prose from its likes, and the threshold is the exact quantile over all training documents."""

from pathlib import Path

import numpy as np

from ryot.stages.filter.score import FEATURES, scores, threshold
from tests.stages.filter.conftest import PROSE, Filter, write_documents

WORSE = ("buy buy buy buy buy buy buy", "12 34 56 78 90 # % & 11", "Home | About | Contact", "aaa", "", "\n\n")


def test_scores_lie_between_0_and_1_and_prose_is_above_what_is_none() -> None:
    found = scores([PROSE, *WORSE])
    assert ((found >= 0) & (found <= 1)).all()
    assert (found[1:] < found[0] - 0.2).all()
    assert found[0] > 0.9


def test_a_score_does_not_depend_on_the_batch() -> None:
    texts = [PROSE, *WORSE, PROSE[:80]]
    assert scores(texts).tolist() == [float(scores([text])[0]) for text in texts]
    assert len(FEATURES) == 7


def test_threshold_drops_the_share_and_never_more() -> None:
    random = np.random.default_rng(0)
    for share in (0.1, 0.3, 0.5):
        found = random.random(1000)
        assert (found < threshold(found, share)).sum() == round(1000 * share)
    assert threshold(np.full(10, 0.5), 0.3) == 0.5


def test_the_lowest_share_of_all_shards_goes(tmp_path: Path, filtered: Filter) -> None:
    words = PROSE.split()
    good, bad = ([" ".join(words[: 30 + step]) for step in range(35)] for _ in range(2))
    bad = [f"# {text[::-1].upper()}" for text in bad[:15]]
    found = filtered(write_documents(tmp_path / "in", train=[bad[:7], good + bad[7:]], heldout=[[PROSE, "aaa 1"]]), "score")
    assert sorted(found.texts()) == sorted(good)
    assert found.texts("heldout") == [PROSE]
    assert found.funnel["reasons"] == {"low_score": 16}
    assert 0 < found.funnel["found"]["threshold"] < 1
