"""Verdicts in words, and text from elsewhere made safe."""

import pytest

from ryot.check.verdict import Verdict
from ryot.report.plain import plain
from ryot.report.summary import Heading, NodeRow, Summary
from ryot.report.wording import found, headline, outcome, status_of, together


def verdict(status: str = "PASS", comparison: str = "<", **fields: object) -> Verdict:
    given = {"value": 0.0213, "low": 0.0201, "high": 0.0249, "unit": "s", "n": 200} | fields
    return Verdict("b/p95 < 50ms", "b/p95", comparison, 0.05, status, "", **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "comparison", "expected"),
    [
        ("PASS", "<", "21.3 ms (<= 24.9 ms)"),
        ("PASS", ">=", "21.3 ms (>= 20.1 ms)"),
        ("FAIL", "<", "21.3 ms (>= 20.1 ms)"),
        ("FAIL", ">=", "21.3 ms (<= 24.9 ms)"),
        ("INCONCLUSIVE", "<", "21.3 ms (20.1 ms .. 24.9 ms)"),
        ("FAIL", "==", "21.3 ms (20.1 ms .. 24.9 ms)"),
    ],
)
def test_the_bound_that_decided_stands_beside_the_value(status: str, comparison: str, expected: str) -> None:
    assert found(verdict(status, comparison)) == expected


def test_a_missing_bound_is_called_unbounded_and_a_missing_value_a_dash() -> None:
    assert found(verdict("INCONCLUSIVE", high=None)) == "21.3 ms (20.1 ms .. unbounded)"
    assert found(verdict("ERROR", value=None)) == "-"


def test_a_number_that_is_compared_directly_has_no_bound() -> None:
    assert found(verdict(value=3.0, low=3.0, high=3.0, unit="")) == "3"


def test_a_waived_failure_stays_a_failure_in_words() -> None:
    assert status_of(verdict("FAIL", waived="ana")) == "FAIL (waived)"
    assert status_of(verdict("PASS", waived="ana")) == "PASS"


def test_the_headline_agrees_with_the_exit_code() -> None:
    assert headline([verdict()]) == "Achieved: 1 of 1 must-targets PASS"
    assert headline([verdict(), verdict("FAIL"), verdict("ERROR")]) == "Not achieved: 1 of 3 must-targets PASS, 1 FAIL"
    assert headline([verdict(), verdict("ERROR")]) == "Not shown: 1 of 2 must-targets PASS, 1 without a verdict"
    assert headline([verdict("FAIL", priority="should")]) == "Achieved: 0 of 0 must-targets PASS"
    assert headline([]) == "No targets: nothing was judged"


def test_how_sure_all_are_together_is_said_where_there_is_more_than_one() -> None:
    direct = verdict(value=3.0, low=3.0, high=3.0)
    assert together([verdict(), direct, verdict("FAIL"), verdict(priority="should"), verdict(waived="ana")]) == ""
    assert together([verdict(), verdict(confidence=0.99), direct]) == (
        "2 of the PASSes rest on bounds, each at its own confidence; all hold together at 94.00 %"
    )
    assert together([verdict()] * 20).endswith("that all hold together is not shown")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title\x1b\\text", "text"),
        ("\x9b2Jcleared", "cleared"),
        ("a\x00b\x07c\rd", "abcd"),
        ("safe \u202egnp.exe", "safe gnp.exe"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("lone \ud800 surrogate", "lone ? surrogate"),
        ("größer als 5 µs", "größer als 5 µs"),
    ],
)
def test_plain_text_commands_no_terminal(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_a_failed_node_comes_before_what_the_verdicts_say() -> None:
    broken = NodeRow("data", "data", "failed", why="no such file")
    alone = Summary(Heading("x"), (broken,))
    assert (outcome(alone), alone.exit_code) == ("NODE FAILED: data", 4)
    beside = Summary(Heading("x"), (broken,), (verdict(),))
    assert (outcome(beside), beside.exit_code) == ("NODE FAILED: data. Achieved: 1 of 1 must-targets PASS", 4)
