"""What drifts while a load goes on."""

from statistics import fmean, median

import numpy as np
import pytest

from ryot.check.bootstrap import mean_bounds
from ryot.stages.bench.drift import slopes


def test_a_steady_growth_is_found_exactly_in_units_an_hour():
    times = [0.5 * number for number in range(200)]
    assert slopes(times, [3.0 + 0.25 * at for at in times], fmean) == pytest.approx([900.0] * 10)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Latencies that scatter lognormally and grow by 36 ms an hour: a bound at 95 % misses the truth in about 5 % of all cases."""
    random, above, below = np.random.default_rng(3), 0, 0
    times = np.linspace(0, 600, 2000)
    for _ in range(400):
        low, high = mean_bounds(np.asarray(slopes(times, 1e-5 * times + 0.02 * random.lognormal(0, 0.5, 2000), median)), 0.95)
        above += low > 0.036
        below += high < 0.036
    assert above <= 33
    assert below <= 33  # 20 of 400 are expected; three standard deviations are 13


def test_one_step_upwards_counts_as_growth():
    assert min(slopes(range(100), [0.0] * 50 + [1.0] * 50, fmean)) > 0


def test_too_few_values_or_none_apart_in_time_have_no_slope():
    assert slopes(range(19), range(19), fmean) == []
    assert slopes([1.0] * 40, range(40), fmean) == []
    assert len(slopes(range(20), range(20), fmean)) == 10
