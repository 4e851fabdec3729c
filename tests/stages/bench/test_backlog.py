"""Whether a server keeps up is seen in what is in flight, not in how long it takes."""

import pytest

from ryot.stages.bench.arrivals import offsets_s
from ryot.stages.bench.backlog import MOST_LEFT, left_over
from ryot.stages.bench.samples import Sample


def served(rate, each_s, count=1000, distribution="constant", wait_s=0.0):
    """Samples of a server that works on one request at a time for `each_s` seconds, and hands each over `wait_s` later."""
    free_s, found = 0.0, []
    for number, start_s in enumerate(offsets_s(count, rate, distribution, "seed")):
        free_s = max(free_s, start_s) + each_s
        found.append(Sample(number, start_s, free_s + wait_s, 1))
    return found


@pytest.mark.parametrize(("rate", "share"), [(120, 1 / 6), (200, 1 / 2), (110, 1 / 11)])
def test_what_a_server_of_100_a_second_leaves_over_is_told(rate, share):
    assert left_over(served(rate, 0.01)) == pytest.approx(share, rel=0.05)


@pytest.mark.parametrize("distribution", ["constant", "poisson"])
@pytest.mark.parametrize("rate", [10, 50, 80])
def test_server_that_keeps_up_leaves_nothing_over(rate, distribution):
    assert left_over(served(rate, 0.01, distribution=distribution)) <= MOST_LEFT


def test_slow_answers_are_no_backlog():
    assert left_over(served(50, 0.01, wait_s=3.0)) == 0


def test_nothing_is_no_backlog():
    assert left_over([]) == 0
    assert left_over(served(1, 0.01, count=1)) == 0
