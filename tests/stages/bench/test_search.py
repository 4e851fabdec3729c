"""The search over loads, against servers that are a number: how much they bear."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryot.stages.bench.search import Limits, search

RATES = Limits(least=0.01, most=1e6, steps=12)


def tried(capacity, start, limits=RATES, in_time=lambda: True):
    """The border of a server that bears up to `capacity`, and the loads that were tried."""
    levels = []

    def bears(level):
        levels.append(level)
        return level <= capacity

    return search(start, limits, bears, in_time), levels


@given(st.floats(0.1, 1e4), st.floats(0.1, 1e4))
def test_border_is_between_what_was_tried_and_as_narrow_as_was_asked(capacity, start):
    found, levels = tried(capacity, start, Limits(1e-9, 1e9, steps=60))
    assert found.ended == "narrow"
    assert found.borne in levels
    assert found.too_much in levels
    assert found.borne <= capacity < found.too_much <= found.borne * 1.1


@given(st.floats(0.1, 1e4), st.floats(0.1, 1e4), st.integers(1, 12))
def test_no_more_than_the_steps_are_taken_and_nothing_is_said_that_was_not_tried(capacity, start, steps):
    found, levels = tried(capacity, start, Limits(0.01, 1e6, steps))
    assert len(levels) <= steps
    assert found.borne == max((level for level in levels if level <= capacity), default=None)
    assert found.too_much == min((level for level in levels if level > capacity), default=None)


def test_rates_are_doubled_and_then_bisected():
    _, levels = tried(50, 20)
    assert levels == pytest.approx([20, 40, 80, 56.57, 47.57, 51.87], abs=0.01)


def test_rate_that_is_too_much_at_once_is_halved():
    found, levels = tried(6, 40)
    assert levels[:4] == [40, 20, 10, 5]
    assert found.borne <= 6 < found.too_much


@pytest.mark.parametrize("capacity", [1, 2, 7, 13, 100])
def test_users_are_whole_and_the_border_between_neighbours(capacity):
    found, levels = tried(capacity, 8.0, Limits(1, 4096, steps=30, whole=True))
    assert (found.borne, found.too_much) == (capacity, capacity + 1)
    assert all(level == math.floor(level) for level in levels)


def test_server_that_bears_nothing_is_seen_to_bear_nothing():
    found, levels = tried(0, 4.0, Limits(1, 4096, steps=30, whole=True))
    assert (found.borne, found.too_much, found.ended) == (None, 1, "least")
    assert levels == [4, 2, 1]


def test_border_above_the_most_is_not_told():
    found, _ = tried(1e9, 3.0, Limits(1, 20, steps=30))
    assert (found.borne, found.too_much, found.ended) == (20, None, "most")


def test_first_load_is_tried_however_little_time_there_is():
    found, levels = tried(50, 20, in_time=lambda: False)
    assert levels == [20]
    assert (found.borne, found.too_much, found.ended) == (20, None, "time")


def test_steps_that_end_with_a_narrow_interval_are_no_want_of_steps():
    found, levels = tried(50, 20, Limits(0.01, 1e6, steps=6))
    assert (len(levels), found.ended) == (6, "narrow")
    assert tried(50, 20, Limits(0.01, 1e6, steps=5))[0].ended == "steps"
