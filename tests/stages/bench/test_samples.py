"""From raw samples to latencies, errors and rates."""

import pytest

from ryot.stages.bench.samples import Sample, errors, halves, latencies, parse, rates


def test_samples_are_read_in_the_order_of_their_start():
    found = parse(['[1, 3000000000, 4000000000, 2, ""]', '[0, 1000000000, 1500000000, 1, "timeout"]'])
    assert found == [Sample(0, 0.0, 0.5, 1, "timeout"), Sample(1, 2.0, 3.0, 2)]


def test_a_quick_failure_counts_as_the_whole_timeout():
    assert latencies([Sample(0, 0, 0.001, 0, "HTTP 500"), Sample(1, 0, 0.2, 1)], 60.0) == [60.0, 0.2]


def test_errors_are_grouped_by_cause():
    samples = [Sample(0, 0, 1, 1), Sample(1, 0, 1, 0, "timeout"), Sample(2, 0, 1, 0, "HTTP 500"), Sample(3, 0, 1, 0, "timeout")]
    assert errors(samples) == {"HTTP 500": 1, "timeout": 2}


def test_a_steady_load_has_the_same_rate_in_every_window():
    samples = [Sample(i, i * 0.5, (i + 1) * 0.5, 8) for i in range(40)]
    assert rates(samples, [8.0] * 40) == pytest.approx([16.0] * 20)


def test_the_mean_of_the_windows_is_the_total_over_the_time():
    samples = [Sample(0, 0.0, 0.3, 5), Sample(1, 0.1, 4.0, 7), Sample(2, 2.0, 2.5, 11)]
    assert sum(rates(samples, [5.0, 7.0, 11.0])) / 20 == pytest.approx(23 / 4.0)


def test_no_samples_have_no_rate():
    assert rates([], []) == [0.0] * 20


def test_halves_pair_the_first_with_the_second():
    assert halves([1.0, 2.0, 3.0, 4.0]) == [(1.0, 3.0), (2.0, 4.0)]
