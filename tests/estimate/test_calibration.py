import math

import pytest

from ryot.estimate.calibration import Like, Past, calibrate, relative_error, spread_of_errors

LIKE = Like("cpu:test x2", "deepspeed 0.19.8", "train", "tokens_per_s", "shape-a")


def past(raw: float, measured: float, **other: str) -> Past:
    fields = {name: getattr(LIKE, name) for name in ("device", "engine", "stage", "measure", "shape")}
    return Past(Like(**{**fields, **other}), raw, measured)


def test_without_a_past_the_prediction_stays_as_stated() -> None:
    found = calibrate(10, [], LIKE)
    assert (found.value, found.factor, found.error, found.basis) == (10, 1, None, "as stated")


def test_one_measurement_corrects_and_tells_how_far_off_it_was() -> None:
    found = calibrate(10, [past(8, 4)], LIKE)
    assert (found.value, found.factor, found.basis) == (4, 0.4, "1 measurement of this shape")
    assert found.error == pytest.approx(1)  # 8 was predicted, 4 measured


def test_factor_is_the_median_and_the_error_leaves_each_out() -> None:
    found = calibrate(10, [past(10, 9), past(10, 10), past(10, 20)], LIKE)
    assert (found.value, found.basis) == (10, "3 measurements of this shape")
    errors = sorted([abs(15 - 9) / 9, abs(14.5 - 10) / 10, abs(9.5 - 20) / 20])
    assert found.error == pytest.approx(errors[1])


def test_same_shape_comes_before_any_shape() -> None:
    others = [past(10, 30, shape="b")] * 5
    assert calibrate(10, [*others, past(10, 8)], LIKE).factor == 0.8
    found = calibrate(10, others, LIKE)
    assert (found.factor, found.error, found.basis) == (3, 0, "5 measurements of other shapes on this device")


@pytest.mark.parametrize("field", ["device", "engine", "stage", "measure"])
def test_another_device_engine_stage_or_measure_says_nothing(field: str) -> None:
    assert calibrate(10, [past(10, 20, **{field: "other"})], LIKE).basis == "as stated"


@pytest.mark.parametrize(("raw", "measured"), [(0, 1), (1, 0), (-1, 1), (1, math.nan), (math.inf, 1)])
def test_numbers_that_make_no_factor_are_passed_over(raw: float, measured: float) -> None:
    assert calibrate(10, [past(raw, measured)], LIKE).basis == "as stated"


def test_exact_past_gives_no_error() -> None:
    found = calibrate(7, [past(raw, 2 * raw, shape="b") for raw in (1, 2, 3)], LIKE)
    assert (found.value, found.error) == (14, 0)


def test_what_was_reckoned_for_the_same_shape_does_not_matter() -> None:
    """Another stated utilisation or row length changes what is reckoned, and nothing of what runs."""
    assert calibrate(1000, [past(8, 4), past(80, 4)], LIKE).value == 4


def test_one_odd_measurement_does_not_outweigh_many_others() -> None:
    others = [past(10, 10, shape="b")] * 50
    assert calibrate(10, [*others, past(10, 1000)], LIKE).value == 10
    assert calibrate(10, [*others, *[past(10, 1000)] * 3], LIKE).value == 1000


def test_what_is_absurd_is_passed_over() -> None:
    assert calibrate(10, [past(1e-300, 1e300)], LIKE).basis == "as stated"


def test_relative_error_is_of_what_was_measured() -> None:
    assert relative_error(11, 10) == pytest.approx(0.1)
    assert relative_error(8, 10) == pytest.approx(-0.2)
    assert relative_error(8, -10) == pytest.approx(1.8)
    assert relative_error(1, 0) is None
    assert relative_error(math.inf, 1) is None


def test_spread_of_errors_is_median_and_nearest_rank_p90() -> None:
    assert spread_of_errors([0.1 * sign for sign in (-1, 2, -3, 4, 5, 6, 7, 8, 9, -10)]) == (pytest.approx(0.55), pytest.approx(0.9))
    assert spread_of_errors([-0.3]) == (0.3, 0.3)
