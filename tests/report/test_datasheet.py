"""The datasheet: what documents.json tells becomes rows, and a funnel whose bars are as long as what is left."""

import json

import pytest

from ryot.report.as_json import to_json
from ryot.report.datasheet import datasheet_of, funnel_chart, reasons
from ryot.report.html import to_html
from ryot.report.markdown import to_markdown
from ryot.report.summary import Heading, Summary

SOURCE = {"broken": 1, "bytes": 5_000, "duplicates": 10, "kept": 90, "read": 100, "kind": "file", "weight": None, "train": 85, "heldout": 5}
FACTS = {
    "sources": [
        {**SOURCE, "path": "a<b>.jsonl", "licence": "CC-BY-4.0", "digest": "d" * 64},
        {**SOURCE, "kind": "generate", "licence": None},
    ],
    "filters": [
        {
            "name": "length",
            "read": 180,
            "kept": 150,
            "dropped": 30,
            "changed": 0,
            "reasons": {"too_long": 10, "too_short": 20},
            "examples": [{"id": "1", "reason": "too_short: 3", "text": "<script>evil</script>\n\x9b31m" + "long " * 60}],
        },
        {"name": "personal", "read": 150, "kept": 150, "dropped": 0, "changed": 7, "reasons": {}, "examples": []},
    ],
    "broken_named": ["a<b>.jsonl:7: bad JSON"],
    "shards": [
        {"split": "train", "documents": 140, "bytes": 4000, "source": 0},
        {"split": "heldout", "documents": 4, "bytes": 200, "source": 0},
        {"split": "train", "documents": 6, "bytes": 300, "source": 1},
    ],
}
SHEET = datasheet_of("filter.personal", "k" * 64, "f" * 64, FACTS)


def test_every_step_has_what_came_in_and_what_was_left() -> None:
    assert [(step.name, step.read, step.kept, step.changed) for step in SHEET.steps] == [
        ("exact copies", 200, 180, 0),
        ("length", 180, 150, 0),
        ("personal", 150, 150, 7),
    ]
    assert [(row.left, row.left_size) for row in SHEET.sources] == [(144, 4200), (6, 300)]
    assert SHEET.splits == {"train": 146, "heldout": 4}


def test_reasons_stand_by_frequency() -> None:
    assert reasons(SHEET.steps[1]) == "too_short 20, too_long 10"


def test_bars_are_as_long_as_what_is_left() -> None:
    chart = funnel_chart(SHEET)
    assert chart is not None
    left = [bar.width for bar in chart.bars if bar.kind == "count"]
    assert [width / left[0] for width in left] == pytest.approx([1, 0.9, 0.75, 0.75])
    assert chart.alt == "read 200; exact copies 180; length 150; personal 150"


def test_nothing_read_is_no_picture() -> None:
    assert funnel_chart(datasheet_of("data", "", "", {"sources": [], "shards": []})) is None


def test_the_reports_carry_it_and_escape_it() -> None:
    summary = Summary(Heading("x"), datasheet=SHEET)
    page, text = to_html(summary), to_markdown(summary)
    assert "a&lt;b&gt;.jsonl" in page
    assert "a<b>" not in page + text
    assert "<script>evil" not in page + text.replace("\\<", "")
    assert "\x9b" not in page + text
    assert "bad JSON" in page
    assert "bad JSON" in text
    assert "too_short: 3" in page
    assert "too_short: 3" in text
    for part in ("CC-BY-4.0", "not stated", "too_short 20, too_long 10", "146 train, 4 heldout"):
        assert part in page
        assert part in text
    assert json.loads(to_json(summary))["datasheet"]["steps"][1]["kept"] == 150
