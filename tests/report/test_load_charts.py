"""Charts of load: what they leave out and what they say in words."""

from ryot.report.load_charts import Rate, batch_chart, pace_chart


def test_throughput_rises_with_the_batch_and_bounds_are_drawn_where_there_are_some():
    chart = batch_chart([Rate("b", 8, 100.0, 90.0, 110.0), Rate("a", 1, 50.0, None, None)])
    assert chart.alt == "1: 50 prompts/s; 8: 100 prompts/s"
    assert [line.kind for line in chart.lines].count("dot") == 2
    assert [line.kind for line in chart.lines].count("span") == 1


def test_one_size_of_batch_is_no_curve():
    assert batch_chart([Rate("a", 4, 50.0, None, None), Rate("b", 4, 60.0, None, None)]) is None
    assert batch_chart([]) is None


def test_a_decline_shows_whatever_the_level():
    chart = pace_chart({"fast": [1200.0, 1000.0, 800.0], "slow": [1.2, 1.0, 0.8], "short": [1.0], "dead": [0.0, 0.0, 0.0]})
    assert chart.alt == "fast from 120% to 80% of its mean; slow from 120% to 80% of its mean"
    first, second = (line.points for line in chart.lines if line.kind.startswith("series") and len(line.points) == 3)
    assert all(abs(a - b) < 1e-9 for one, other in zip(first, second, strict=True) for a, b in zip(one, other, strict=True))


def test_without_three_windows_there_is_no_course():
    assert pace_chart({"short": [1.0, 2.0]}) is None
