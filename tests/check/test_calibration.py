"""Bounds of a calibration error and of an AUROC, and the verdicts on them."""

import math
from datetime import date

import numpy as np
import pytest

from ryot.calibration import BINS
from ryot.check.calibration import calibration_bounds, ranking_bounds
from ryot.check.evidence import Expected, plan_evidence
from ryot.check.sizes import fewest_samples
from ryot.check.verdict import verdict_of
from ryot.measures import Evidence, Measure, Target, parse_target, point

ECE, AUROC = Measure(name="ece", kind="calibration"), Measure(name="auroc", kind="ranking")
TODAY = date(2026, 7, 1)


def drawn(random, n, gap=0.0):
    told = random.uniform(0.25, 1, n)
    return np.stack((told, random.random(n) < np.clip(told - gap, 0, 1)), axis=1)


def verdict(measure, text, pairs):
    return verdict_of(Target.model_validate(parse_target(f"evaluate/{text}")), measure, Evidence(pairs=tuple(map(tuple, pairs))), TODAY)


@pytest.mark.parametrize("gap", [0.0, 0.2])
def test_bounds_of_the_error_miss_no_more_than_stated(gap):
    random = np.random.default_rng(1)
    edges = np.linspace(0, 1, 200_001)[1:]
    told = edges[edges > 0.25]
    away, bins = np.clip(told - gap, 0, 1) - told, np.ceil(told * BINS)
    truth = sum(abs(away[bins == number].sum()) for number in range(1, BINS + 1)) / len(told)
    found = [calibration_bounds(drawn(random, 150, gap), 0.95) for _ in range(60)]
    assert sum(low > truth + 1e-9 for low, _ in found) <= 8  # of 60 at 5 %: more than 8 in 1 of 1,000
    assert sum(high < truth - 1e-9 for _, high in found) <= 8


def test_bounds_of_the_error_are_the_same_each_time_and_narrow_with_more():
    random = np.random.default_rng(2)
    few, many = drawn(random, 120, 0.2), drawn(random, 5000, 0.2)
    assert calibration_bounds(few, 0.95) == calibration_bounds(few, 0.95)
    widths = [high - low for low, high in (calibration_bounds(pairs, 0.95) for pairs in (few, many))]
    assert widths[1] < widths[0] / 3


def test_ranking_is_bounded_by_couples():
    low, high = ranking_bounds(np.array([(0.9, 1.0)] * 40 + [(0.1, 0.0)] * 10), 0.95)
    assert (low, high) == (pytest.approx(0.05 ** (1 / 10)), 1.0)
    assert ranking_bounds(np.array([(0.9, 1.0)]), 0.95) == (-math.inf, math.inf)


def test_without_enough_nothing_is_passed():
    calibrated = drawn(np.random.default_rng(3), 99)
    found = verdict(ECE, "ece < 0.9", calibrated)
    assert (found.status, found.low, found.high) == ("INCONCLUSIVE", None, None)
    assert "needs 100 samples at 95 %, there are 99" in found.reason
    assert verdict(ECE, "ece < 0.9", []).status == "ERROR"
    assert verdict(AUROC, "auroc > 0.5", [(0.9, 1.0)] * 50).reason.startswith("all answers are right, or all are wrong")
    assert verdict(AUROC, "auroc > 0.5", [(1.2, 1.0), (0.5, 0.0)]).status == "ERROR"


def test_verdicts_stand_on_the_bounds():
    random = np.random.default_rng(4)
    assert verdict(ECE, "ece < 0.1", drawn(random, 2000)).status == "PASS"
    assert verdict(ECE, "ece < 0.1", drawn(random, 2000, 0.3)).status == "FAIL"
    assert verdict(ECE, "ece < 0.1", drawn(random, 100)).status == "INCONCLUSIVE"
    apart = [(0.9, 1.0)] * 60 + [(0.1, 0.0)] * 60
    assert verdict(AUROC, "auroc > 0.9", apart).status == "PASS"
    assert verdict(AUROC, "auroc > 0.9", apart[50:70]).status == "INCONCLUSIVE"
    assert verdict(AUROC, "auroc > 0.9", drawn(random, 2000)).status == "FAIL"


def test_how_many_more_is_told_of_a_ranking():
    pairs = [(0.9, 1.0)] * 10 + [(0.1, 0.0)] * 10
    found = verdict(AUROC, "auroc > 0.9", pairs)
    assert fewest_samples(AUROC, ">", 0.9, 0.95) == 58
    assert found.reason == "a ranking needs 58 samples at 95 %, there are 20: at least 38 more"
    assert point(AUROC, Evidence(pairs=tuple(pairs))) == 1


def test_the_plan_says_what_it_takes():
    target = Target.model_validate(parse_target("evaluate/ece < 0.1"))
    (few,), (enough,) = (plan_evidence((target,), {"evaluate/ece": Expected(ECE, n)}) for n in (50, 200))
    assert (few.ok, enough.ok) == (False, None)
    assert "100 needed" in few.words
