"""Charts as geometry: what is drawn where."""

import math

import pytest

from ryot.check.verdict import Verdict
from ryot.report.charts import blocks_chart, interval_chart, latency_chart, loss_chart
from ryot.report.drawing import HEIGHT, WIDTH, Axis, log_ticks, round_ticks

SAMPLES = [0.018 + 0.0001 * (i % 40) for i in range(400)]


def verdict(**fields: object) -> Verdict:
    given = {"value": 0.021, "low": 0.02, "high": 0.022, "unit": "s", "n": 400} | fields
    return Verdict("bench.single/latency_p95 < 50ms", "bench.single/latency_p95", "<", 0.05, "PASS", "", **given)  # type: ignore[arg-type]


def test_a_latency_chart_counts_every_request() -> None:
    chart = latency_chart("bench.single", SAMPLES, [])
    assert chart is not None
    assert sum(int(bar.tip.split()[0]) for bar in chart.bars) == 400


def test_a_latency_chart_draws_quantiles_and_the_nodes_own_targets() -> None:
    chart = latency_chart("bench.single", SAMPLES, [verdict(), Verdict("bench.b/p < 1s", "bench.b/p", "<", 1, "PASS", "", unit="s")])
    assert chart is not None
    texts = [label.text for label in chart.labels]
    assert [text.split()[0] for text in texts[:3]] == ["p50", "p95", "p99"]
    assert texts[3] == "latency_p95 < 50ms"
    (target,) = [line for line in chart.lines if line.kind == "target"]
    marks = [line for line in chart.lines if line.kind == "mark"]
    assert all(target.points[0][0] > mark.points[0][0] for mark in marks)  # 50 ms lies right of everything measured


def test_labels_of_marks_never_share_a_row() -> None:
    chart = latency_chart("bench.single", [0.02] * 50, [verdict(), verdict()])
    assert chart is not None
    rows = [label.y for label in chart.labels if label.kind in ("mark", "target")]
    assert len(rows) == len(set(rows)) == 5


def test_a_loss_chart_leaves_out_what_is_not_finite_and_averages_long_runs() -> None:
    chart = loss_chart({"train": [8.0, math.nan, *(8 - 0.01 * i for i in range(600))]})
    assert chart is not None
    (line,) = [line for line in chart.lines if line.kind == "series s0" and len(line.points) > 2]
    assert len(line.points) <= 180
    assert "mean of up to 4 updates" in chart.note


@pytest.mark.parametrize("histories", [{}, {"train": []}, {"train": [1.0]}, {"train": [math.nan, math.inf]}])
def test_without_two_losses_there_is_no_loss_chart(histories: dict[str, list[float]]) -> None:
    assert loss_chart(histories) is None


def test_looks_at_held_out_documents_have_a_line_of_their_own() -> None:
    losses = {"train": [5.0, 4.0, 3.0, 2.0]}
    chart = loss_chart(losses, {"train": [(2, 6.0), (4, 4.5)], "other": [(1, 1.0), (2, 1.0)]})
    assert chart is not None
    assert [label.text for label in chart.labels if label.kind == "key"] == ["train", "train, held out"]
    curves = [line for line in chart.lines if line.kind.startswith("series") and line.points[0][1] != line.points[1][1]]
    held, trained = sorted(curves, key=lambda line: len(line.points))
    assert (held.points[0][0], held.points[1][0]) == (trained.points[1][0], trained.points[3][0])
    assert held.points[0][1] < trained.points[0][1]  # a higher loss stands higher on the page
    alone = loss_chart(losses, {"train": [(4, 4.5)]})
    assert alone is not None
    assert [label.text for label in alone.labels if label.kind == "key"] == ["train"]


def test_many_histories_each_have_a_key_above_the_curves() -> None:
    chart = loss_chart({f"train.{i}": [3.0, 2.0, 1.0] for i in range(5)})
    assert chart is not None
    keys = [label for label in chart.labels if label.kind == "key"]
    assert len({(label.x, label.y) for label in keys}) == 5
    assert max(label.y for label in keys) < min(y for line in chart.lines if len(line.points) == 3 for _, y in line.points)


def test_blocks_are_bars_in_proportion() -> None:
    chart = blocks_chart("compare/speedup", [(2.0, 1.0)] * 6)
    assert chart is not None
    baseline, optimized = chart.bars[0], chart.bars[1]
    assert baseline.height == pytest.approx(2 * optimized.height)
    assert chart.note == "6 pairs: 12.0 s against 6.0 s in all"


def test_many_blocks_are_lines() -> None:
    chart = blocks_chart("compare/speedup", [(2.0, 1.0)] * 100)
    assert chart is not None
    assert not chart.bars
    assert sum(len(line.points) == 100 for line in chart.lines) == 2


def test_an_open_interval_reaches_the_edge_without_a_cap() -> None:
    closed, opened = interval_chart(verdict()), interval_chart(verdict(high=None))
    assert closed is not None
    assert opened is not None
    assert sum(line.kind == "span" for line in closed.lines) == 3
    assert sum(line.kind == "span" for line in opened.lines) == 2
    assert opened.lines[0].points[1][0] == 156


def test_no_value_no_interval() -> None:
    assert interval_chart(verdict(value=None)) is None


@pytest.mark.parametrize(("low", "high"), [(0, 3.02), (1.79, 7.7), (0.5, 0.5), (0, 0), (1e-6, 3e-6), (99, 101)])
def test_ticks_are_few_round_and_embrace_the_data(low: float, high: float) -> None:
    ticks = round_ticks(low, high)
    assert 2 <= len(ticks) <= 7
    assert ticks[0] <= low
    assert ticks[-1] >= high


@pytest.mark.parametrize(("low", "high"), [(0.018, 0.022), (0.02, 0.11), (0.001, 0.05), (0.001, 90)])
def test_logarithmic_ticks_are_few_and_some(low: float, high: float) -> None:
    assert 1 <= len([tick for tick in log_ticks(low, high) if low <= tick <= high]) <= 8


def test_values_outside_an_axis_are_put_on_its_edge() -> None:
    axis = Axis(1, 10, 0, WIDTH, log=True)
    assert (axis.at(0.1), axis.at(1000), axis.at(math.sqrt(10))) == (0, WIDTH, pytest.approx(WIDTH / 2))
    assert Axis(2, 2, 0, HEIGHT).at(2) == HEIGHT / 2
