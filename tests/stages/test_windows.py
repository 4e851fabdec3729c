"""Rates over equal windows of time."""

from __future__ import annotations

import random

import pytest

from ryot.stages.windows import WINDOWS, rates, settled_rates, windows


def test_the_mean_is_the_whole_amount_over_the_whole_time() -> None:
    draw = random.Random(3)
    seconds = [draw.expovariate(1.0) for _ in range(300)]
    tokens = [draw.randrange(1, 1000) for _ in seconds]
    found = settled_rates(tokens, seconds)
    assert len(found) == WINDOWS == windows(300)
    assert sum(found) / len(found) == pytest.approx(sum(tokens[30:]) / sum(seconds[30:]))


def test_a_slow_piece_counts_by_its_time() -> None:
    """Every fifth update takes six seconds instead of one: 5,000 tokens in 10 s. The updates' own rates have the mean 833."""
    found = settled_rates([1000] * 100, [6.0 if number % 5 == 0 else 1.0 for number in range(100)])
    assert sum(found) / len(found) == pytest.approx(500)


@pytest.mark.parametrize(("count", "pieces"), [(1, 1), (2, 1), (5, 4), (19, 17), (23, 20), (44, 39), (45, 40)])
def test_a_window_is_as_long_as_two_pieces(count: int, pieces: int) -> None:
    found = settled_rates([10] * count, [0.5] * count)
    assert len(found) == windows(count) == max(min(WINDOWS, pieces // 2), 1)
    assert found == pytest.approx([20.0] * len(found))


def test_work_at_the_same_time_adds_up_and_no_work_is_none() -> None:
    assert rates([(0.0, 2.0), (1.0, 2.0)], [2.0, 5.0], 2) == pytest.approx([1.0, 6.0])
    assert rates([], [], 4) == [0.0] * 4
