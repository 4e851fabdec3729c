"""When the requests of an open loop are to start."""

import math
from itertools import pairwise

import pytest
from scipy import stats

from ryot.stages.bench.arrivals import offsets_s, ramp_s


def gaps(found):
    return [later - sooner for sooner, later in pairwise(found)]


def test_constant_arrivals_are_equally_far_apart_and_do_not_drift():
    found = offsets_s(10_000, 3.0, "constant", "any")
    assert gaps(found) == pytest.approx([1 / 3] * 9999)
    assert found[-1] == 9999 / 3


def test_poisson_arrivals_have_exponential_gaps_that_do_not_depend_on_each_other():
    found = gaps(offsets_s(20_001, 200.0, "poisson", "0 s arrivals"))
    assert stats.kstest(found, stats.expon(scale=1 / 200).cdf).pvalue > 0.01
    assert sum(found) == pytest.approx(100, rel=5 / math.sqrt(20_000))
    assert abs(stats.pearsonr(found[1:], found[:-1]).statistic) < 0.03


def test_a_test_that_cannot_fail_would_take_equal_gaps_for_exponential_ones():
    assert stats.kstest(gaps(offsets_s(1001, 200.0, "constant", "")), stats.expon(scale=1 / 200).cdf).pvalue < 1e-6


def test_arrivals_are_the_same_on_every_run_and_others_with_another_seed():
    first = offsets_s(50, 10.0, "poisson", "0 a")
    assert first == offsets_s(50, 10.0, "poisson", "0 a") == sorted(first)
    assert first != offsets_s(50, 10.0, "poisson", "0 b")
    assert offsets_s(0, 10.0, "poisson", "") == []


STEPS = [(10.0, 2.0, 20), (100.0, 1.0, 100), (4.0, 0.5, 2)]


def test_each_step_of_a_ramp_has_its_own_rate_and_its_own_time():
    found = ramp_s(STEPS, "constant", "any")
    assert found[:3] == pytest.approx([0, 0.1, 0.2])
    assert found[20:23] == pytest.approx([2.0, 2.01, 2.02])
    assert found[120:] == pytest.approx([3.0, 3.25])


def test_a_ramp_at_random_keeps_its_numbers_and_its_steps():
    found = ramp_s(STEPS, "poisson", "0 s")
    assert found == sorted(found) == ramp_s(STEPS, "poisson", "0 s") != ramp_s(STEPS, "poisson", "1 s")
    assert [sum(begin <= at < end for at in found) for begin, end in ((0, 2), (2, 3), (3, 3.5))] == [20, 100, 2]
    (many,) = [gaps(ramp_s([(1000.0, 20.0, 20_000)], "poisson", "x"))]
    assert stats.kstest(many, stats.expon(scale=1 / 1000).cdf).pvalue > 0.01
