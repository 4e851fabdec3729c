"""The evaluation's scores, as a table."""

from datetime import date

from ryot.check.judge import judge
from ryot.report.html import to_html
from ryot.report.markdown import to_markdown
from ryot.report.scores import rows_of_scores
from ryot.report.summary import Heading, Left, NodeRow, summarise

FOUND = {
    "reasoning": {
        **{"accuracy": 0.5, "standard_error": 0.25, "chance": 0.25, "items": 4},
        "by_difficulty": {"expert": {"hits": 0, "items": 1, "accuracy": 0.0}, "<b>": {"hits": 2, "items": 3, "accuracy": 2 / 3}},
    },
    "gsm8k": {"exact_match": 0.2, "standard_error": None, "chance": 0.0, "items": 1319, "shots": 5},
    "perplexity": {"perplexity": 20.0, "items": 3},
}


def test_tasks_stand_beside_chance_and_difficulties_below_them() -> None:
    rows = [(row.task, row.score, row.error, row.chance, row.shots, row.items) for row in rows_of_scores(FOUND)]
    assert rows == [
        ("gsm8k", "20.00 %", "", "0.00 %", "5", "1,319"),
        ("reasoning", "50.00 %", "25.00 %", "25.00 %", "0", "4"),
        ("reasoning, expert", "0.00 %", "", "", "", "1"),
        ("reasoning, <b>", "66.67 %", "", "", "", "3"),
    ]


def test_both_reports_have_it_and_nothing_in_it_is_markup() -> None:
    nodes = [NodeRow("evaluate", "evaluate", "finished")]
    summary = summarise(Heading("small"), nodes, judge([], {}, {}, date(2026, 1, 1)), {}, left=Left(scores=FOUND))
    page, text = to_html(summary), to_markdown(summary)
    assert "<h2>Evaluation</h2>" in page
    assert "reasoning, &lt;b&gt;" in page
    assert "| gsm8k" in text
    assert "## Evaluation" in text
