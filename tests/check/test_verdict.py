"""The four verdicts and their reasons, waivers, and the exit code."""

import random
from datetime import date

import pytest

from ryot.check.verdict import Verdict, exit_code, verdict_of
from ryot.measures import Evidence, Measure, Target, parse_target

TODAY = date(2026, 11, 21)
P95 = Measure(name="latency_p95", kind="percentile", quantile=0.95, unit="s")
ERRORS = Measure(name="errors", kind="count")
RATE = Measure(name="accuracy", kind="proportion", unit="proportion")
PARAMS = Measure(name="params", kind="exact")
REDUCTION = Measure(name="stack_time_reduction", kind="ratio", form="reduction", unit="proportion")


def target(written: str, **fields: object) -> Target:
    parsed = parse_target(written)
    assert isinstance(parsed, dict)
    return Target.model_validate({**parsed, **fields})


def latencies(n: int, center: float = 0.02) -> Evidence:
    draw = random.Random(5)
    return Evidence(samples=tuple(draw.gauss(center, 0.001) for _ in range(n)))


def of(written: str, measure: Measure, evidence: Evidence, **fields: object) -> Verdict:
    return verdict_of(target(written, **fields), measure, evidence, TODAY)


def test_passes_when_the_conservative_bound_meets_the_target() -> None:
    verdict = of("bench.single/latency_p95 < 50ms", P95, latencies(200))
    assert (verdict.status, verdict.n) == ("PASS", 200)
    assert verdict.high is not None
    assert verdict.value is not None
    assert verdict.value <= verdict.high < 0.05
    assert "at most" in verdict.reason
    assert "95 %" in verdict.reason


def test_fails_when_even_the_favourable_bound_misses_the_target() -> None:
    verdict = of("bench.single/latency_p95 < 10ms", P95, latencies(200))
    assert verdict.status == "FAIL"
    assert "at least" in verdict.reason


def test_a_good_point_estimate_from_too_few_samples_is_inconclusive_and_says_how_many_more() -> None:
    verdict = of("bench.single/latency_p95 < 50ms", P95, latencies(20))
    assert verdict.status == "INCONCLUSIVE"
    assert verdict.reason == "a p95 needs 59 samples at 95 %, there are 20: at least 39 more"
    assert verdict.high is None  # no bound yet, and no infinity that JSON could not hold


def test_a_bound_on_both_sides_of_the_target_is_inconclusive() -> None:
    verdict = of("evaluate/accuracy >= 85%", RATE, Evidence(hits=88, of=100))
    assert verdict.status == "INCONCLUSIVE"
    assert "more samples like these" in verdict.reason


def test_a_higher_confidence_turns_a_narrow_pass_into_no_verdict() -> None:
    evidence = Evidence(hits=95, of=100)
    assert of("evaluate/accuracy >= 90%", RATE, evidence, confidence=0.9).status == "PASS"
    assert of("evaluate/accuracy >= 90%", RATE, evidence, confidence=0.999).status == "INCONCLUSIVE"


@pytest.mark.parametrize(
    ("written", "value", "status"),
    [
        ("bench.x/errors == 0", 0, "PASS"),
        ("bench.x/errors == 0", 1, "FAIL"),
        ("bench.x/errors < 1", 1, "FAIL"),
        ("bench.x/errors <= 1", 1, "PASS"),
        ("bench.x/errors > 1", 1, "FAIL"),
        ("bench.x/errors >= 1", 1, "PASS"),
    ],
)
def test_counts_compare_directly(written: str, value: int, status: str) -> None:
    assert of(written, ERRORS, Evidence(value=value, of=1000)).status == status


def test_a_count_prints_the_bound_of_its_rate() -> None:
    assert of("bench.x/errors == 0", ERRORS, Evidence(value=0, of=1000)).reason == "0 of 1,000: < 0.30 % at 95 %"


def test_no_sample_shows_that_a_rate_is_exactly_all() -> None:
    verdict = of("evaluate/accuracy >= 100%", RATE, Evidence(hits=500, of=500))
    assert verdict.status == "INCONCLUSIVE"
    assert "leave a margin" in verdict.reason


def test_a_rate_that_is_surely_not_equal_fails() -> None:
    assert of("evaluate/accuracy == 50%", RATE, Evidence(hits=100, of=100)).status == "FAIL"


def test_equality_may_be_missed_on_either_side_so_each_bound_may_err_half_as_often() -> None:
    just_over_half = Evidence(hits=59, of=100)  # surely more than half at 95 % one-sided, not at 97.5 %
    assert of("evaluate/accuracy > 50%", RATE, just_over_half).status == "PASS"
    assert of("evaluate/accuracy == 50%", RATE, just_over_half).status == "INCONCLUSIVE"


@pytest.mark.parametrize("evidence", [Evidence(), Evidence(samples=(float("nan"),) * 300), Evidence(samples=(0.01, float("inf")))])
def test_no_data_and_no_numbers_are_an_error_never_a_pass(evidence: Evidence) -> None:
    verdict = of("bench.single/latency_p95 < 50ms", P95, evidence)
    assert (verdict.status, verdict.value, verdict.low, verdict.high) == ("ERROR", None, None, None)


@pytest.mark.parametrize("measure", [P95, ERRORS, RATE, PARAMS, REDUCTION])
@pytest.mark.parametrize("comparison", ["<", "<=", ">", ">=", "=="])
def test_empty_evidence_is_an_error_for_every_kind_and_comparison(measure: Measure, comparison: str) -> None:
    assert of(f"n/m {comparison} 0", measure, Evidence()).status == "ERROR"


WAIVER = {"owner": "ana", "reason": "the disk is on order", "expires": "2026-12-31"}


def test_a_waiver_in_force_takes_a_failure_out_of_the_exit_code_but_shows_it() -> None:
    verdict = of("bench.x/errors == 0", ERRORS, Evidence(value=2, of=100), waiver=WAIVER)
    assert verdict.status == "FAIL"
    assert verdict.waived == "ana, until 2026-12-31: the disk is on order"
    assert exit_code([verdict]) == 0


def test_a_waiver_still_holds_on_its_last_day() -> None:
    assert of("bench.x/errors == 0", ERRORS, Evidence(value=2, of=100), waiver={**WAIVER, "expires": "2026-11-21"}).waived


def test_an_expired_waiver_changes_nothing_but_says_so() -> None:
    verdict = of("bench.x/errors == 0", ERRORS, Evidence(value=2, of=100), waiver={**WAIVER, "expires": "2026-11-20"})
    assert (verdict.status, verdict.waived) == ("FAIL", None)
    assert "expired on 2026-11-20" in verdict.reason
    assert exit_code([verdict]) == 1


def test_a_waiver_that_expires_on_no_day_is_refused() -> None:
    with pytest.raises(ValueError, match="month"):
        target("bench.x/errors == 0", waiver={**WAIVER, "expires": "2026-99-31"})


def test_a_waiver_may_expire_on_a_date_as_yaml_reads_it() -> None:
    waiver = target("bench.x/errors == 0", waiver={**WAIVER, "expires": date(2026, 12, 31)}).waiver
    assert waiver is not None
    assert waiver.expires == "2026-12-31"


GOOD = Evidence(value=0, of=100)
BAD = Evidence(value=1, of=100)


def test_exit_code_is_zero_only_when_every_must_passes() -> None:
    good = of("bench.x/errors == 0", ERRORS, GOOD)
    bad = of("bench.x/errors == 0", ERRORS, BAD)
    unknown = of("bench.single/latency_p95 < 50ms", P95, latencies(20))
    missing = of("bench.single/latency_p95 < 50ms", P95, Evidence())
    assert exit_code([good]) == 0
    assert exit_code([good, unknown]) == 5
    assert exit_code([good, missing]) == 5
    assert exit_code([missing, bad, good]) == 1


def test_should_targets_never_change_the_exit_code() -> None:
    assert exit_code([of("bench.x/errors == 0", ERRORS, BAD, priority="should")]) == 0
