"""How a verdict is said in words, the same in the terminal, Markdown and HTML."""

from collections.abc import Sequence

from ryot.check.verdict import Verdict, exit_code, joint_confidence
from ryot.report.summary import Summary
from ryot.units import show

MARKS = {"PASS": "✓", "FAIL": "✗", "INCONCLUSIVE": "?", "ERROR": "!"}
"""A sign for each status, so that none is told by colour alone."""


def status_of(verdict: Verdict) -> str:
    """`PASS`, or `FAIL (waived)`."""
    return f"{verdict.status} (waived)" if verdict.waived and verdict.status != "PASS" else verdict.status


def found(verdict: Verdict) -> str:
    """The measured value with the bound that decided: `21.3 ms (<= 24.9 ms)`; with both bounds where none did."""
    if verdict.value is None:
        return "-"
    value = show(verdict.value, verdict.unit)
    low, high = (None if bound is None else show(bound, verdict.unit) for bound in (verdict.low, verdict.high))
    if verdict.low == verdict.high == verdict.value:
        return value
    upper = (verdict.status == "PASS") == (verdict.comparison in ("<", "<="))
    if verdict.status == "INCONCLUSIVE" or verdict.comparison == "==":
        return f"{value} ({low or 'unbounded'} .. {high or 'unbounded'})"
    return f"{value} (<= {high})" if upper else f"{value} (>= {low})"


def needs_a_reason(verdict: Verdict) -> bool:
    """Whether the reason tells more than the line of a verdict: all but `at most 24.9 ms at 95 %` and `compared directly`."""
    if verdict.status in ("PASS", "FAIL") and verdict.low != verdict.high:
        return ";" in verdict.reason  # a waiver
    return verdict.reason != "compared directly"


def outcome(summary: Summary) -> str:
    """The outcome in one sentence: which nodes failed, before what the others showed."""
    if not summary.failed:
        return headline(summary.verdicts)
    failed = f"NODE FAILED: {', '.join(node.name for node in summary.failed)}"
    return f"{failed}. {headline(summary.verdicts)}" if summary.verdicts else failed


def together(verdicts: Sequence[Verdict]) -> str:
    """How sure it is that all PASSes hold, where more than one rests on a bound; else an empty text."""
    count, level = joint_confidence(verdicts)
    if count < 2:
        return ""
    if level == 0:
        return f"{count} of the PASSes rest on bounds, each at its own confidence; that all hold together is not shown"
    return f"{count} of the PASSes rest on bounds, each at its own confidence; all hold together at {show(level, 'proportion')}"


def headline(verdicts: Sequence[Verdict]) -> str:
    """What the verdicts say in one sentence."""
    counted = [verdict for verdict in verdicts if verdict.counts]
    if not verdicts:
        return "No targets: nothing was judged"
    passed = sum(verdict.status == "PASS" for verdict in counted)
    whole = f"{passed} of {len(counted)} must-targets PASS"
    match exit_code(verdicts):
        case 0:
            return f"Achieved: {whole}"
        case 1:
            return f"Not achieved: {whole}, {sum(verdict.status == 'FAIL' for verdict in counted)} FAIL"
    return f"Not shown: {whole}, {len(counted) - passed} without a verdict"
