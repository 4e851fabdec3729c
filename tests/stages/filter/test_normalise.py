"""One form of the same text, each part of it a switch."""

import pytest

from tests.stages.filter.conftest import PROSE, judged, reason

CASES = {
    "nfc": ("cafe\u0301", "café"),
    "controls": ("a\x00b\x1b[31mc\x7fd\ufeff\te", "ab[31mcd\te"),
    "line_ends": ("a\r\nb\rc", "a\nb\nc"),
    "trailing_blanks": ("a \t\nb\u00a0\nc  \n", "a\nb\nc"),
    "blank_lines": ("a\n\n\n\n\nb", "a\n\nb"),
}


@pytest.mark.parametrize("switch", CASES)
def test_a_switch_changes_its_part_and_off_leaves_it(switch: str) -> None:
    before, after = CASES[switch]
    off = dict.fromkeys(CASES, False)
    assert judged("normalise", before, **off) == [before]
    assert judged("normalise", before, **off | {switch: True}) == [after]
    assert judged("normalise", before) == [after]


def test_what_is_in_form_stays_as_it_is() -> None:
    assert judged("normalise", PROSE, "a\n\nb\tc") == [PROSE, "a\n\nb\tc"]


def test_it_is_the_same_a_second_time() -> None:
    texts = [before for before, _ in CASES.values()] + ["\x0ba\u0301\r\r\n \n\n\nb\x85"]
    once = judged("normalise", *texts)
    assert judged("normalise", *map(str, once)) == once


def test_nothing_but_blanks_is_dropped() -> None:
    assert reason("normalise", " \r\n\x00\x07 ") == "empty"


def test_long_runs_of_blanks_take_no_quadratic_time() -> None:
    assert judged("normalise", "a" + " " * 500_000 + "b\n") == ["a" + " " * 500_000 + "b"]
