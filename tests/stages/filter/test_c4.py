"""Each rule of C4 with a text that trips it and one that does not; line rules take lines out, text rules drop."""

import pytest

from ryot.stages.filter.c4 import LINE_RULES, TEXT_RULES, cleaned
from ryot.stages.filter.verdict import Dropped
from tests.stages.filter.conftest import PROSE

GOOD = "This is a good line of text."
LINES = {
    "c4_line_end": ("A line that ends in nothing", 'A line that ends in a "quotation."'),
    "c4_line_words": ("Two words.", "Now three words."),
    "c4_long_words": ("A word of " + "x" * 1001 + " letters.", "A word of " + "x" * 1000 + " letters."),
    "c4_javascript": ("Please enable JavaScript to go on.", "Please enable Java to go on."),
    "c4_policy": ("By staying you accept our use of cookies.", "By staying you accept our cookies."),
}
TEXTS = {
    "c4_lorem_ipsum": ("Lorem ipsum dolor sit amet.", "Lorem and ipsum are two words."),
    "c4_curly_bracket": ("It begins with { here.", "It begins with ( here."),
    "c4_sentences": ("One is here. Two is here. Three! Four?", "One is here. Two is here. Three! Four? Five."),
}


@pytest.mark.parametrize("rule", LINES)
def test_line_rule_takes_out_its_line(rule: str) -> None:
    bad, fine = LINES[rule]
    assert cleaned(f"{GOOD}\n{bad}\n{GOOD}", (rule,)) == f"{GOOD}\n{GOOD}"
    assert cleaned(f"{GOOD}\n{fine}\n{GOOD}", (rule,)) == f"{GOOD}\n{fine}\n{GOOD}"
    assert cleaned(f"{GOOD}\n{bad}", ()) == f"{GOOD}\n{bad}"


@pytest.mark.parametrize("rule", TEXTS)
def test_text_rule_drops_its_text(rule: str) -> None:
    bad, fine = TEXTS[rule]
    verdict = cleaned(bad, (rule,))
    assert isinstance(verdict, Dropped)
    assert verdict.reason == rule
    assert cleaned(fine, (rule,)) == fine
    assert cleaned(bad, ()) == bad


def test_an_ellipsis_is_no_end() -> None:
    assert cleaned(f"{GOOD}\nAnd so it goes...", ("c4_line_end",)) == GOOD


def test_citations_are_taken_out() -> None:
    assert cleaned("It was so.[12] It is so.[citation needed]", ("c4_citations",)) == "It was so. It is so."


def test_no_line_left_is_dropped() -> None:
    verdict = cleaned("menu\nhome\nabout", LINE_RULES)
    assert isinstance(verdict, Dropped)
    assert verdict.reason == "c4_no_line_left"


def test_prose_stays_as_it_is() -> None:
    text = f"{PROSE}\n\n{PROSE}"
    assert cleaned(text, (*LINE_RULES, *TEXT_RULES)) == text
