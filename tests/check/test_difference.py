"""Two runs' measures held against each other."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from ryot.check.difference import TOLERANCE, bounds, differences
from ryot.check.judge import Measured
from ryot.measures import Evidence, Measure, Target, parse_target

LATENCY = Measure(name="latency_p95", kind="percentile", quantile=0.95, unit="s")
LOSS = Measure(name="loss", kind="mean", unit="nats/token")
TIME = Measure(name="total_time", kind="exact", unit="s")
ERRORS = Measure(name="errors", kind="count")
ACCURACY = Measure(name="accuracy", kind="proportion", unit="proportion")


def target(text: str) -> Target:
    return Target.model_validate(parse_target(text))


def told(measure: Measure, before: Evidence | None, after: Evidence | None, *targets: str) -> Any:
    sides = [{} if each is None else {f"n/{measure.name}": Measured(measure, each)} for each in (before, after)]
    (found,) = differences(*sides, [target(text) for text in targets], speeds=True)
    return found


def normal(seed: int, mean: float, n: int = 60, spread: float = 1.0) -> Evidence:
    draw = random.Random(seed)
    return Evidence(samples=tuple(draw.gauss(mean, spread) for _ in range(n)))


def test_a_target_says_which_way_is_worse() -> None:
    slow, quick = normal(1, 2.0, spread=0.01), normal(2, 1.0, spread=0.01)
    assert told(LOSS, quick, slow, "n/loss < 3").change == "worse"
    assert told(LOSS, slow, quick, "n/loss < 3").change == "better"
    assert told(LOSS, slow, quick, "n/loss > 0").change == "worse"
    assert told(LOSS, slow, quick).change == "other"


def test_samples_of_one_distribution_show_no_difference_and_the_very_same_are_the_same() -> None:
    assert told(LOSS, normal(1, 2.0), normal(2, 2.0), "n/loss < 3").change == "not shown"
    assert told(LOSS, normal(1, 2.0), normal(1, 2.0), "n/loss < 3").change == "same"
    assert told(LOSS, normal(1, 2.0), Evidence(samples=(9.0, 9.1)), "n/loss < 3").change == "not shown"  # too few to know


def test_false_alarms_are_rare() -> None:
    """2,000 pairs of runs of one distribution: at 95 %, at most one in twenty may be called worse. Bonferroni's is the stricter."""
    alarms = 0
    for number in range(2000):
        sides = [Measured(LOSS, normal(seed, 2.0, n=12)) for seed in (2 * number, 2 * number + 1)]
        low, _ = bounds(*sides, 0.95)
        alarms += low > 0
    assert alarms <= 100


def test_the_error_is_shared_by_all_targets() -> None:
    one = told(LOSS, normal(1, 2.0), normal(2, 2.4), "n/loss < 3")
    many = [f"n/other{number} < 1" for number in range(40)]
    sides = [{"n/loss": Measured(LOSS, normal(seed, mean))} for seed, mean in ((1, 2.0), (2, 2.4))]
    shared = {found.measure: found for found in differences(*sides, [target(text) for text in ("n/loss < 3", *many)])}["n/loss"]
    assert shared.low < one.low
    assert shared.high > one.high


@pytest.mark.parametrize(("after", "change"), [(104.9, "not shown"), (106.0, "worse"), (94.0, "better"), (96.0, "not shown")])
def test_single_numbers_may_differ_a_little(after: float, change: str) -> None:
    assert TOLERANCE == 0.05
    assert told(TIME, Evidence(value=100.0), Evidence(value=after), "n/total_time < 200").change == change


def test_counts_are_compared_directly() -> None:
    none, some = Evidence(value=0, of=100), Evidence(value=1, of=100)
    assert told(ERRORS, none, some, "n/errors == 0").change == "worse"
    assert told(ERRORS, some, none, "n/errors == 0").change == "better"
    assert told(ERRORS, none, some, "n/errors <= 5").change == "worse"


def test_rates_and_percentiles_have_bounds_too() -> None:
    few, many = Evidence(hits=40, of=100), Evidence(hits=80, of=100)
    assert told(ACCURACY, many, few, "n/accuracy > 30%").change == "worse"
    assert told(ACCURACY, few, Evidence(hits=45, of=100), "n/accuracy > 30%").change == "not shown"
    assert told(LATENCY, normal(1, 5.0, n=400, spread=0.1), normal(2, 9.0, n=400, spread=0.1), "n/latency_p95 < 20s").change == "worse"
    assert told(LATENCY, normal(1, 5.0, n=20), normal(2, 9.0, n=20), "n/latency_p95 < 20s").change == "not shown"


def test_what_is_gone_broken_or_new_is_said() -> None:
    good = normal(1, 2.0)
    assert told(LOSS, good, None, "n/loss < 3").change == "missing"
    assert told(LOSS, good, Evidence(samples=(math.nan,)), "n/loss < 3").change == "missing"
    assert told(LOSS, None, good, "n/loss < 3").change == "new"
    assert told(LOSS, Evidence(), Evidence(), "n/loss < 3").change == "missing"
    (found,) = differences({}, {}, [target("n/loss < 3")])
    assert (found.change, found.before, found.after) == ("missing", None, None)
    other = {"n/loss": Measured(LOSS.model_copy(update={"unit": "s"}), good)}
    (found,) = differences({"n/loss": Measured(LOSS, normal(2, 1.0))}, other, [])
    assert found.change == "missing"


def test_speeds_of_two_runs_are_shown_and_not_judged() -> None:
    sides = [{"n/latency_p95": Measured(LATENCY, normal(seed, mean, n=400, spread=0.1))} for seed, mean in ((1, 5.0), (2, 9.0))]
    (found,) = differences(*sides, [target("n/latency_p95 < 20s")])
    assert (found.change, found.regressed) == ("apart", False)
    assert found.low is not None
    assert found.low > 3
