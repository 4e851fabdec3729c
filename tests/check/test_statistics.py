"""The bounds against known values, and how many more samples a verdict takes."""

import math
import random

import pytest

from ryot.check.sizes import fewest_samples, proportion_bounds
from ryot.check.statistics import defect, interval, rate_bound, samples_needed
from ryot.measures import Evidence, Measure

P95 = Measure(name="latency_p95", kind="percentile", quantile=0.95, unit="s")
P99 = Measure(name="latency_p99", kind="percentile", quantile=0.99, unit="s")
MEAN = Measure(name="loss", kind="mean")
RATE = Measure(name="accuracy", kind="proportion", unit="proportion")
REDUCTION = Measure(name="stack_time_reduction", kind="ratio", form="reduction", unit="proportion")
SPEEDUP = Measure(name="speedup", kind="ratio", form="speedup")
ERRORS = Measure(name="errors", kind="count")


def counting(n: int) -> Evidence:
    return Evidence(samples=tuple(float(i + 1) for i in range(n)))


def pairs(n: int, factor: float = 0.7, noise: float = 0.05, seed: int = 1) -> Evidence:
    draw = random.Random(seed)
    return Evidence(pairs=tuple((draw.gauss(1.2, noise), factor * draw.gauss(1.2, noise)) for _ in range(n)))


@pytest.mark.parametrize(("measure", "enough"), [(P95, 59), (P99, 299)])
def test_upper_bound_of_a_percentile_needs_so_many_samples(measure: Measure, enough: int) -> None:
    assert interval(measure, counting(enough - 1), 0.95)[1] == math.inf
    assert interval(measure, counting(enough), 0.95)[1] == enough  # the largest one
    assert fewest_samples(measure, "<", 1.0, 0.95) == enough


def test_percentile_bounds_are_the_ranks_of_the_binomial_tails() -> None:
    def cdf(k: int) -> float:
        return math.fsum(math.comb(200, i) * 0.95**i * 0.05 ** (200 - i) for i in range(k + 1))

    low, high = interval(P95, counting(200), 0.95)
    assert cdf(int(high) - 1) >= 0.95 > cdf(int(high) - 2)
    assert 1 - cdf(int(low) - 1) >= 0.95 > 1 - cdf(int(low))


def test_percentile_bounds_do_not_depend_on_the_order_of_samples() -> None:
    shuffled = list(counting(300).samples)
    random.Random(3).shuffle(shuffled)
    assert interval(P99, Evidence(samples=tuple(shuffled)), 0.95) == interval(P99, counting(300), 0.95)


def test_zero_errors_in_a_thousand_show_less_than_three_in_a_thousand() -> None:
    low, high = proportion_bounds(0, 1000, 0.95)
    assert low == 0
    assert high == pytest.approx(1 - 0.05 ** (1 / 1000), rel=1e-9)  # closed form for no hits
    assert rate_bound(Evidence(value=0, of=1000), 0.95) == "0 of 1,000: < 0.30 % at 95 %"


def test_clopper_pearson_agrees_with_a_published_example() -> None:
    # 10 of 100, two-sided 95 %: 4.90 % to 17.62 % (Agresti and Coull 1998)
    low, high = proportion_bounds(10, 100, 0.975)
    assert (low, high) == (pytest.approx(0.0490, abs=5e-5), pytest.approx(0.1762, abs=5e-5))


def test_all_hits_have_an_upper_bound_of_one() -> None:
    assert proportion_bounds(50, 50, 0.95)[1] == 1.0


def test_mean_bounds_are_at_least_as_wide_as_students() -> None:
    samples = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    low, high = interval(MEAN, Evidence(samples=samples), 0.95)
    half = 2.0150 * math.sqrt(3.5) / math.sqrt(6)  # t(0.95, 5) s / sqrt(n)
    assert low <= 3.5 - half + 1e-3
    assert high >= 3.5 + half - 1e-3


def test_many_equal_samples_leave_no_doubt_and_a_few_know_no_spread() -> None:
    """With 59, at 95 %, at least 95 of 100 that will be met are like them."""
    assert interval(MEAN, Evidence(samples=(2.5,) * 59), 0.95) == (2.5, 2.5)
    assert interval(REDUCTION, Evidence(pairs=((2.0, 1.0),) * 59), 0.95) == (pytest.approx(0.5), pytest.approx(0.5))
    assert interval(MEAN, Evidence(samples=(2.5,) * 58), 0.95) == (-math.inf, math.inf)
    assert interval(REDUCTION, Evidence(pairs=((2.0, 1.0),) * 5), 0.95) == (-math.inf, 1.0)
    assert samples_needed(MEAN, Evidence(samples=(1.0,) * 4), ">=", 0.99, 0.95) == 55


@pytest.mark.parametrize("measure", [MEAN, REDUCTION])
def test_three_samples_bound_nothing(measure: Measure) -> None:
    evidence = Evidence(samples=(1.0, 1.1, 0.9)) if measure is MEAN else pairs(3)
    low, high = interval(measure, evidence, 0.95)
    assert low == -math.inf
    assert high in (math.inf, 1.0)  # a reduction never exceeds 1


def test_bounds_of_mirrored_samples_are_mirrored() -> None:
    draw = random.Random(2)
    samples = tuple(draw.expovariate(1) for _ in range(30))
    low, high = interval(MEAN, Evidence(samples=samples), 0.95)
    mirrored = interval(MEAN, Evidence(samples=tuple(-sample for sample in samples)), 0.95)
    assert mirrored == (pytest.approx(-high), pytest.approx(-low))
    center = math.fsum(samples) / 30
    assert high - center > 1.3 * (center - low)  # the long tail lies above, and so does the doubt


def test_ratio_bounds_of_reduction_and_speedup_tell_the_same_story() -> None:
    low, high = interval(REDUCTION, pairs(12), 0.95)
    slow, fast = interval(SPEEDUP, pairs(12), 0.95)
    assert low < 0.3 < high
    assert (slow, fast) == (pytest.approx(1 / (1 - low)), pytest.approx(1 / (1 - high)))


def test_bounds_are_the_same_every_time() -> None:
    assert interval(REDUCTION, pairs(12), 0.95) == interval(REDUCTION, pairs(12), 0.95)


def test_drift_that_both_sides_share_does_not_widen_the_ratio() -> None:
    steady = pairs(12)
    drifting = Evidence(pairs=tuple((b * (1 + i / 6), c * (1 + i / 6)) for i, (b, c) in enumerate(steady.pairs)))
    width = [high - low for low, high in (interval(REDUCTION, evidence, 0.95) for evidence in (steady, drifting))]
    assert width[1] < 1.5 * width[0]


def test_counts_are_their_own_bounds() -> None:
    assert interval(ERRORS, Evidence(value=3, of=1000), 0.95) == (3, 3)


@pytest.mark.parametrize(
    ("measure", "evidence", "why"),
    [
        (P95, Evidence(), "no samples"),
        (P95, Evidence(samples=(1.0, math.nan)), "not finite"),
        (MEAN, Evidence(samples=(math.inf,)), "not finite"),
        (REDUCTION, Evidence(pairs=((0.0, 1.0),) * 8), "not positive"),
        (RATE, Evidence(hits=0, of=0), "no samples"),
        (RATE, Evidence(hits=5, of=4), "proportion"),
        (ERRORS, Evidence(), "no samples"),
        (ERRORS, Evidence(of=1000), "no value"),
    ],
)
def test_defect_names_what_cannot_be_judged(measure: Measure, evidence: Evidence, why: str) -> None:
    assert why in (defect(measure, evidence) or "")


def test_samples_needed_of_a_percentile_is_the_order_statistics_minimum_when_all_meet_the_target() -> None:
    assert samples_needed(P95, Evidence(samples=(0.02,) * 20), "<", 0.05, 0.95) == 39
    assert samples_needed(P99, Evidence(samples=(0.02,) * 100), "<", 0.05, 0.95) == 199


def test_samples_needed_suffice_when_the_next_ones_are_alike() -> None:
    at_hand = Evidence(hits=46, of=50)
    more = samples_needed(RATE, at_hand, ">=", 0.85, 0.95)
    assert more is not None
    n = 50 + more
    assert proportion_bounds(0.92 * n, n, 0.95)[0] >= 0.85 > proportion_bounds(0.92 * (n - 1), n - 1, 0.95)[0]


def test_samples_needed_of_a_ratio_suffice_when_the_next_ones_are_alike() -> None:
    at_hand = pairs(12)
    more = samples_needed(REDUCTION, at_hand, ">=", 0.27, 0.95)
    assert more is not None
    repeated = Evidence(pairs=at_hand.pairs * math.ceil(1.3 * (12 + more) / 12))
    low, _ = interval(REDUCTION, repeated, 0.95)
    assert low >= 0.27


def test_samples_needed_for_a_hair_is_found_quickly_or_given_up() -> None:
    more = samples_needed(RATE, Evidence(hits=85_050, of=100_000), ">=", 0.85, 0.95)
    assert more is not None
    assert 1_000_000 < more < 2_000_000  # (1.645 / 0.0005)^2 x 0.85 x 0.15, less what is there
    assert samples_needed(RATE, Evidence(hits=85_001, of=100_000), ">=", 0.85, 0.95) is None


def test_samples_needed_is_unknowable_on_the_target_itself_and_of_one_sample() -> None:
    assert samples_needed(RATE, Evidence(hits=1, of=2), ">=", 0.5, 0.95) is None
    assert samples_needed(MEAN, Evidence(samples=(1.0,)), "<", 2.0, 0.95) is None


def test_no_number_of_samples_shows_a_rate_of_exactly_all() -> None:
    assert fewest_samples(RATE, ">=", 1.0, 0.95) is None
    assert fewest_samples(RATE, ">=", 0.95, 0.95) == 59
    assert fewest_samples(RATE, "<", 0.003, 0.95) == 998
    assert fewest_samples(P95, "==", 0.05, 0.95) is None
