"""Costs against the plan they were first made in: on demand, spot and reserved, and the node price that was multiplied by eight."""

import pytest

from ryot.estimate.cost import FirstYear, cost_per_million, month_cost, training_cost
from ryot.estimate.platform import serving_platform, training_platform
from ryot.estimate.processor import Here
from ryot.spec.hardware import Hardware

LAPTOP = Here("cpu:any x2", cpus=2, memory=24 << 30, flags=frozenset({"fma"}), mhz=2500.0)
RUN = 200 * 3600.0


def both(training="on_demand", serving="on_demand"):
    hardware = {"price": "p4d.24xlarge", "devices": 8, "purchase": training, "serve": {"price": "g5.xlarge", "purchase": serving}}
    spec = Hardware.model_validate(hardware)
    return training_platform(spec, LAPTOP), serving_platform(spec, LAPTOP)


def first_year(training, seconds, serving):
    return FirstYear(training_cost(training, seconds), month_cost(serving))


def test_on_demand_is_6554_734_and_15362():
    training, serving = both()
    year = first_year(training, RUN, serving)
    assert year.training == pytest.approx(6554)
    assert year.month == pytest.approx(734, abs=0.5)
    assert year.total == pytest.approx(15362, rel=0.001)


def test_spot_is_about_8000():
    training, serving = both("spot", "spot")
    assert first_year(training, RUN, serving).total == pytest.approx(8000, rel=0.03)


def test_reserved_serving_with_training_on_demand_is_about_12500():
    training, serving = both("on_demand", "reserved")
    assert first_year(training, RUN, serving).total == pytest.approx(12500, rel=0.03)


def test_a_reservation_is_paid_for_every_hour():
    _, serving = both(serving="reserved")
    assert month_cost(serving, 100) == month_cost(serving, 730)


def test_a_node_is_paid_once_not_for_each_of_its_devices():
    """Two to three days were claimed to cost about $20,000: an hour of the node times its eight devices."""
    training, _ = both()
    assert training.instances == 1
    assert training_cost(training, 3 * 86400) == pytest.approx(2359, abs=1)


def test_a_million_tokens_at_a_throughput():
    _, serving = both()
    assert cost_per_million(serving, 400) == pytest.approx(1.006 / 3600 / 400 * 1e6)


def test_a_machine_of_ones_own_has_no_cost():
    here = training_platform(Hardware(), LAPTOP)
    assert (training_cost(here, RUN), month_cost(here), cost_per_million(here, 1)) == (None, None, None)
    assert first_year(here, RUN, here).total is None
