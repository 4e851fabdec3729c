"""The stack taken apart, as a chart."""

from datetime import date

from ryot.check.judge import Measured, judge
from ryot.measures import Evidence, Measure
from ryot.report.ablation import ablation_chart, parts_of, without_gain
from ryot.report.html import to_html
from ryot.report.summary import Heading, NodeRow, Summary, summarise

FAST, NOISE = [(10.0, 5.0 + 0.1 * k) for k in range(8)], [(10.0, 9.0 + 0.3 * k) for k in range(8)]


def summary(**pairs: list[tuple[float, float]]) -> Summary:
    """A summary of an ablation with these pairs of seconds by measure."""
    measured = {
        f"ablate/{name}": Measured(
            Measure(name=name, kind="ratio", pair_unit="s", form="reduction", unit="proportion", about="less time"),
            Evidence(pairs=tuple(found)),
        )
        for name, found in pairs.items()
    }
    nodes = [NodeRow("ablate", "ablate", "finished")]
    return summarise(Heading("small"), nodes, judge([], measured, {}, date(2026, 1, 1)), measured)


def test_the_largest_contribution_comes_first_and_what_is_not_shown_to_help_is_named() -> None:
    parts = parts_of(summary(rows_gain=NOISE, rows_alone=NOISE, bf16_gain=FAST, bf16_alone=FAST))
    assert [part.name for part in parts] == ["bf16", "rows"]
    assert without_gain(parts) == ["rows"]
    chart = ablation_chart(parts)
    assert chart is not None
    assert chart.note.endswith("No gain is shown for rows")


def test_the_page_has_one_chart_for_all_parts_and_none_of_their_blocks() -> None:
    page = to_html(summary(bf16_gain=FAST, bf16_alone=FAST))
    assert "What each part of the stack contributes" in page
    assert "Speed blocks" not in page


def test_without_an_ablation_there_is_no_chart() -> None:
    assert ablation_chart(parts_of(summarise(Heading("small"), [], (), {}))) is None
