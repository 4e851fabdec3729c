"""The checklist before a deployment, in the reports."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from ryot.check.judge import judge
from ryot.report.as_json import to_json
from ryot.report.html import to_html
from ryot.report.markdown import to_markdown
from ryot.report.summary import Heading, Left, NodeRow, Summary, summarise
from ryot.report.validation import rows_of_validation, tally


def item(name: str, status: str, reason: str = "", **evidence: Any) -> dict[str, Any]:
    return {
        "name": name,
        "area": "server",
        "asks": f"{name} is so",
        "status": status,
        "how": "looked",
        "evidence": evidence,
        "reason": reason,
    }


FOUND = {
    "schema": "ryot.deployment-validation/1",
    "counts": {"passed": 1, "failed": 1, "not_shown": 1},
    "items": [
        item("cache", "passed", p50_s=0.01234567, largest_bytes=1 << 31, requests_per_s=1234.5678, requests=4000, said=["miss", "hit"]),
        item("queue", "failed", "the answers were <b>", lost=3),
        item("cuda", "not_shown", "this machine has no GPU"),
    ],
}


def summary() -> Summary:
    nodes = [NodeRow("validation", "validation", "finished")]
    return summarise(Heading("small"), nodes, judge([], {}, {}, date(2026, 1, 1)), {}, left=Left(validation=FOUND))


def test_every_item_is_a_row_with_its_numbers_and_what_is_not_passed_says_why_first() -> None:
    cache, queue, cuda = rows_of_validation(FOUND)
    assert (cache.status, cache.verdict, cache.told) == ("✓ passed", "PASS", "looked")
    assert cache.numbers == "p50 12.3 ms, largest 2.0 GiB, requests per s 1,235, requests 4,000"
    assert (queue.status, queue.verdict, queue.told) == ("✗ failed", "FAIL", "the answers were <b>; looked")
    assert (cuda.status, cuda.verdict) == ("? not shown", "INCONCLUSIVE")
    assert tally(FOUND) == "1 passed, 1 failed, 1 not shown, of 3"


def test_all_reports_have_it_and_nothing_in_it_is_markup() -> None:
    page, text = to_html(summary()), to_markdown(summary())
    assert "<h2>Deployment checklist</h2>" in page
    assert "the answers were &lt;b&gt;" in page
    assert "1 passed, 1 failed, 1 not shown, of 3. What is not shown is not passed." in page
    assert "| ✗ failed" in text
    assert json.loads(to_json(summary()))["validation"]["counts"]["failed"] == 1
