"""Calibration error and AUROC, held against scikit-learn and a plain reading of the definition."""

import random

import pytest

from ryot.calibration import BINS, bin_of, calibration_error, ranking, sides


def drawn(seed, n, digits=6):
    source = random.Random(seed)
    told = [round(source.random(), digits) for _ in range(n)]
    return [(each, float(source.random() < each**2)) for each in told]


def plain(pairs):
    """Guo et al. 2017, equation 3, word by word."""
    total = 0.0
    for number in range(1, BINS + 1):
        inside = [(told, right) for told, right in pairs if (number - 1) / BINS < told <= number / BINS or (told == 0 and number == 1)]
        if inside:
            accuracy, confidence = (sum(side) / len(inside) for side in ([right for _, right in inside], [told for told, _ in inside]))
            total += len(inside) / len(pairs) * abs(accuracy - confidence)
    return total


@pytest.mark.parametrize("seed", range(20))
def test_calibration_error_is_that_of_its_definition(seed):
    pairs = drawn(seed, 1 + 37 * seed)
    assert calibration_error(pairs) == pytest.approx(plain(pairs), abs=1e-12)


def test_known_calibration_errors():
    assert calibration_error([(1.0, 1.0)] * 5) == 0
    assert calibration_error([(1.0, 0.0)] * 5) == 1
    assert calibration_error([(0.9, 1.0), (0.9, 0.0)]) == pytest.approx(0.4)
    assert calibration_error([(0.9, 1.0), (0.1, 1.0)]) == pytest.approx(0.5)


def test_bins_hold_their_upper_edge():
    assert [bin_of(0.0), bin_of(1e-9), bin_of(1.0), bin_of(0.2, 5), bin_of(0.2000001, 5)] == [0, 0, BINS - 1, 0, 1]


@pytest.mark.heavy
@pytest.mark.parametrize("digits", [6, 1])
def test_both_agree_with_scikit_learn(digits):
    """`calibration_curve` gives a bin's share and mean, and not its size; it puts an edge into the bin above, so edges are left out."""
    metrics, calibration = pytest.importorskip("sklearn.metrics"), pytest.importorskip("sklearn.calibration")
    for seed in range(10):
        pairs = drawn(seed, 300, digits)
        told, right = zip(*pairs, strict=True)
        assert ranking(pairs) == pytest.approx(metrics.roc_auc_score(right, told), abs=1e-12)
        inside = [(each, hit) for each, hit in pairs if abs(each * BINS - round(each * BINS)) > 1e-9]
        told, right = zip(*inside, strict=True)
        shares, means = calibration.calibration_curve(right, told, n_bins=BINS)
        sizes = [sum(bin_of(each) == number for each in told) for number in range(BINS)]
        weighed = sum(size * abs(share - mean) for size, share, mean in zip(filter(None, sizes), shares, means, strict=True))
        assert calibration_error(inside) == pytest.approx(weighed / len(inside), abs=1e-12)


def test_ranking_counts_couples_and_half_of_ties():
    assert ranking([(0.9, 1.0), (0.1, 0.0)]) == 1
    assert ranking([(0.1, 1.0), (0.9, 0.0)]) == 0
    assert ranking([(0.5, 1.0), (0.5, 0.0)]) == 0.5
    pairs = drawn(3, 60, 1)
    couples = [(a, b) for a, hit in pairs if hit for b, miss in pairs if not miss]
    assert ranking(pairs) == pytest.approx(sum((a > b) + (a == b) / 2 for a, b in couples) / len(couples))


def test_there_is_no_ranking_where_all_answers_are_alike():
    assert ranking([(0.9, 1.0), (0.3, 1.0)]) is None
    assert ranking([(0.9, 0.0)]) is None
    assert sides([(0.9, 1.0), (0.3, 0.0), (0.2, 0.0)]) == (1, 2)
