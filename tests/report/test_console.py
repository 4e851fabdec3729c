"""The report in a terminal of 100 columns, in a narrow one, and in a pipe."""

import io

import pytest
from rich.console import Console

from ryot.report.console import print_summary
from ryot.report.summary import Heading, Summary, summarise


def printed(summary: Summary, width: int = 100, **settings: object) -> str:
    file = io.StringIO()
    print_summary(summary, Console(file=file, width=width, **settings))  # type: ignore[arg-type]
    return file.getvalue()


def test_a_verdict_is_one_line(summary: Summary) -> None:
    lines = [" ".join(line.split()) for line in printed(summary).splitlines()]
    assert "PASS must bench.single/latency_p95 < 50ms 23 ms (<= 23.6 ms) n=1,000" in lines
    assert "ERROR must bench.failover/recovery < 10s -" in lines


def test_reasons_stand_below_what_did_not_pass(summary: Summary) -> None:
    text = printed(summary)
    assert "bench.failover failed: serve was killed by signal 9" in text
    assert "more samples like these would settle it" in text
    assert "waived by ana until 2027-05-31: INT8 export comes in May" in text
    assert "0 of 1,000: < 0.30 % at 95 %" in text


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal(summary: Summary, width: int) -> None:
    assert max(map(len, printed(summary, width).splitlines())) <= width


def test_a_pipe_gets_no_colour_and_the_same_words(summary: Summary) -> None:
    piped, coloured = printed(summary), printed(summary, force_terminal=True, color_system="truecolor")
    assert "\x1b" not in piped
    assert "\x1b[" in coloured
    for word in ("PASS", "FAIL (waived)", "INCONCLUSIVE", "ERROR", "REFUTED"):
        assert word in piped


def test_escape_codes_in_a_reason_do_not_reach_the_terminal(summary: Summary) -> None:
    assert "\x1b[31m" not in printed(summary)
    assert "<script>" in printed(summary)  # shown as the text it is


def test_the_last_line_is_the_outcome(summary: Summary) -> None:
    assert printed(summary).splitlines()[-1] == "NODE FAILED: bench.failover. Not shown: 5 of 8 must-targets PASS, 3 without a verdict"


def test_an_empty_summary_says_that_nothing_was_judged() -> None:
    assert printed(summarise(Heading("empty"), (), (), {})) == "No targets: nothing was judged\n"
