"""Failed requests by their cause, in all reports."""

import json
from datetime import date

from ryot.check.judge import Measured, judge
from ryot.measures import Evidence, Measure
from ryot.report.as_json import to_json
from ryot.report.html import to_html
from ryot.report.load_errors import ErrorRow, cause_of, rows_of_errors
from ryot.report.markdown import to_markdown
from ryot.report.summary import Heading, Left, NodeRow, summarise

SEEN = {"ConnectionResetError": 3, "RemoteDisconnected": 1, "HTTP 500": 2, "HTTP 503": 9, "timeout": 4, "wrong number of tokens": 1}
ROWS = [
    ErrorRow("bench.a", "HTTP 503", 9, 100, "HTTP 503 9"),
    ErrorRow("bench.a", "connection lost", 4, 100, "ConnectionResetError 3, RemoteDisconnected 1"),
    ErrorRow("bench.a", "no answer in time", 4, 100, "timeout 4"),
    ErrorRow("bench.a", "HTTP 500", 2, 100, "HTTP 500 2"),
    ErrorRow("bench.a", "malformed or wrong answer", 1, 100, "wrong number of tokens 1"),
]


def test_what_a_generator_says_is_put_into_few_causes_of_which_none_is_lost() -> None:
    rows = rows_of_errors({"bench.a": SEEN, "bench.b": {}}, {"bench.a": 100})
    assert list(rows) == ROWS
    assert sum(row.count for row in rows) == sum(SEEN.values())


def test_what_nobody_foresaw_is_an_answer_that_could_not_be_used() -> None:
    assert {cause_of(word) for word in ("BadStatusLine", "the answer is not a completion", "<b>", "HTTP", "HTTP x")} == {
        "malformed or wrong answer"
    }
    assert cause_of("ConnectionRefusedError") == "connection refused"


def test_every_report_has_them_and_nothing_in_them_is_markup() -> None:
    nodes = [NodeRow("bench.a", "bench", "finished")]
    counted = Measured(Measure(name="errors", kind="count"), Evidence(value=1, of=50))
    left = Left(errors={"bench.a": {"HTTP 503": 1, "<b>": 2}})
    summary = summarise(Heading("small"), nodes, judge([], {}, {}, date(2026, 1, 1)), {"bench.a/errors": counted}, left=left)
    page, text = to_html(summary), to_markdown(summary)
    assert "<h2>Failed requests</h2>" in page
    assert "&lt;b&gt; 2" in page
    assert "## Serving: failed requests" in text
    assert "| HTTP 503" in text
    told = json.loads(to_json(summary))["errors"]
    assert told[1] == {"load": "bench.a", "cause": "HTTP 503", "count": 1, "of": 50, "seen": "HTTP 503 1"}


def test_a_load_without_failures_has_no_such_part() -> None:
    summary = summarise(Heading("small"), [], judge([], {}, {}, date(2026, 1, 1)), {}, left=Left(errors={"bench.a": {}}))
    assert "Failed requests" not in to_html(summary)
    assert "failed requests" not in to_markdown(summary)
    assert json.loads(to_json(summary))["errors"] == []
