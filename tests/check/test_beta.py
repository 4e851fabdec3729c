"""The incomplete beta function against closed forms, and against scipy."""

import math

import pytest

from ryot.check.beta import binomial_cdf, incomplete_beta, inverse_beta, student_quantile

SHAPES = [(a, b) for a in (0.5, 1.0, 3.0, 20.0, 1000.0) for b in (0.5, 1.0, 5.0, 300.0, 1e5)]


@pytest.mark.parametrize("x", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_incomplete_beta_of_one_and_one_is_the_uniform_distribution(x: float) -> None:
    assert incomplete_beta(1, 1, x) == pytest.approx(x, abs=1e-14)


def test_binomial_tail_equals_the_sum_of_its_terms() -> None:
    for hits in range(21):
        total = math.fsum(math.comb(20, k) * 0.3**k * 0.7 ** (20 - k) for k in range(hits + 1))
        assert binomial_cdf(hits, 20, 0.3) == pytest.approx(total, abs=1e-12)


def test_student_quantiles_are_those_of_the_printed_tables() -> None:
    assert student_quantile(0.95, 1) == pytest.approx(6.3138, abs=1e-4)
    assert student_quantile(0.95, 11) == pytest.approx(1.7959, abs=1e-4)
    assert student_quantile(0.995, 4) == pytest.approx(4.6041, abs=1e-4)


def test_agrees_with_scipy() -> None:
    special = pytest.importorskip("scipy.special")
    for a, b in SHAPES:
        for x in (0.001, 0.05, 0.5, 0.95):
            assert incomplete_beta(a, b, x) == pytest.approx(special.betainc(a, b, x), rel=1e-9, abs=1e-12)
            assert inverse_beta(a, b, x) == pytest.approx(special.betaincinv(a, b, x), rel=1e-9)
    for freedom in (1, 2, 5, 100, 10_000):
        assert student_quantile(0.99, freedom) == pytest.approx(special.stdtrit(freedom, 0.99), rel=1e-9)
