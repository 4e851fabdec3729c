"""How a verdict is said in words, the same in the terminal, Markdown and HTML; and text from elsewhere made safe to show."""

import re
from collections.abc import Sequence

from ryot.check.verdict import Verdict, exit_code
from ryot.units import show

MARKS = {"PASS": "✓", "FAIL": "✗", "INCONCLUSIVE": "?", "ERROR": "!"}
"""A sign for each status, so that none is told by colour alone."""

_ESCAPE = re.compile(
    r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|\[[0-?]*[ -/]*[@-~]?|[ -/]*[0-~]?)|\x9b[0-?]*[ -/]*[@-~]?"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffe\uffff]")


def plain(text: str) -> str:
    """Text without terminal escape codes, control and direction-changing characters, and lone surrogates; tabs and newlines stay."""
    return _CONTROL.sub("", _ESCAPE.sub("", text)).encode("utf-8", "replace").decode("utf-8")


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


def headline(verdicts: Sequence[Verdict]) -> str:
    """The outcome in one sentence."""
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
