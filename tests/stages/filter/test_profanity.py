"""Whole words of a list, in any case, as a share or a number."""

from pathlib import Path

import pytest

from ryot.plugins import NodeError, digest_path
from ryot.stages.filter import profanity
from ryot.stages.filter.verdict import Dropped
from tests.stages.filter.conftest import PROSE, judged, reason, settings_of


def test_prose_stays_and_swearing_goes() -> None:
    assert judged("profanity", PROSE) == [PROSE]
    assert reason("profanity", "What the Fuck, you SHIT.") == "profanity"


def test_a_word_inside_another_does_not_count() -> None:
    assert reason("profanity", "Scunthorpe, Dickens, cockpit and class: assets of a peacock.") is None


def test_share_and_number_are_bounds_that_may_be_reached() -> None:
    text = "shit " + "fine " * 99
    assert [reason("profanity", text, max_share=share) for share in (0.009, 0.01)] == ["profanity", None]
    assert [reason("profanity", text, max_share=None, max_words=most) for most in (0, 1)] == ["profanity", None]


def test_a_list_of_ones_own_replaces_it(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("Zounds\n\nquélite\n")
    judge = profanity.judge(settings_of("profanity", {str(path): digest_path(path)}, words=str(path)))  # type: ignore[arg-type]
    verdicts = judge(["oh zounds", "shit", "QUÉLITE!"])
    assert [isinstance(verdict, Dropped) for verdict in verdicts] == [True, False, True]


def test_a_list_that_changed_or_is_empty_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("\n")
    settings = settings_of("profanity", {str(path): digest_path(path)}, words=str(path))
    with pytest.raises(NodeError, match="list of words is empty"):
        profanity.judge(settings)  # type: ignore[arg-type]
    path.write_text("other")
    with pytest.raises(NodeError, match="changed after the plan was made"):
        profanity.judge(settings)  # type: ignore[arg-type]
