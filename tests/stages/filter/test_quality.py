"""The rules together: the first that fails is the reason, and any can be left out."""

from typing import get_args

from ryot.spec.filters import Rule
from ryot.stages.filter import c4, gopher
from tests.stages.filter.conftest import PROSE, judged, reason


def test_every_rule_can_be_left_out_by_its_name() -> None:
    assert set(get_args(Rule)) == {*gopher.RULES, *c4.LINE_RULES, *c4.TEXT_RULES}
    assert judged("quality", "{", without=list(get_args(Rule))) == ["{"]


def test_prose_stays_and_a_menu_goes() -> None:
    assert judged("quality", PROSE) == [PROSE]
    assert reason("quality", "Home\nAbout us\nContact") == "gopher_words"


def test_leaving_a_rule_out_leaves_the_next() -> None:
    text = PROSE + " And a { that opens nothing."
    assert reason("quality", text) == "c4_curly_bracket"
    assert reason("quality", text, without=["c4_curly_bracket"]) is None


def test_a_line_is_taken_out_of_a_text_that_stays() -> None:
    assert judged("quality", f"{PROSE}\nClick here") == [PROSE]


def test_a_verdict_does_not_depend_on_the_batch() -> None:
    texts = [PROSE, "short", PROSE * 2, "# " * 90, PROSE + "{", "12 " * 80]
    assert judged("quality", *texts) == [verdict for text in texts for verdict in judged("quality", text)]
