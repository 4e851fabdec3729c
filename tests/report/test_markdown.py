"""The report as Markdown."""

import re

from ryot.report.markdown import to_markdown
from ryot.report.summary import Heading, NodeRow, Summary, summarise


def test_the_report_has_its_sections_in_order(summary: Summary) -> None:
    titles = re.findall(r"^#+ (.*)$", to_markdown(summary), re.MULTILINE)
    assert titles == [
        "Benchmark report: phase3", "Targets", "Serving: latency and throughput", "Baseline against optimized", "Other measures",
        "Audited claims", "Nodes", "How to read this",
    ]  # fmt: skip


def test_every_row_of_a_table_has_as_many_cells_as_its_head(summary: Summary) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", to_markdown(summary), re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_text_cannot_leave_its_cell_or_become_markup() -> None:
    node = NodeRow("n`|x", "s", "failed", None, "a | b\n# head <img src=x> [link](http://x) `code` \x1b[2J")
    text = to_markdown(summarise(Heading("x"), (node,), (), {}))
    (row,) = [line for line in text.splitlines() if "img" in line]
    assert r"a \| b # head \<img src=x> \[link\](http://x) \`code\`" in row
    assert r"`n'\|x`" in row
    assert "\x1b" not in text


def test_the_outcome_stands_first(summary: Summary) -> None:
    assert (
        "**NODE FAILED: bench.failover. Not shown: 5 of 8 must-targets PASS, 3 without a verdict** (exit code 4)"
        in to_markdown(summary).splitlines()[2]
    )
