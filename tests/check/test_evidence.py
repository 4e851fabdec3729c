"""What a plan says of its evidence is what `check` will say once the samples are there."""

import random
import subprocess
import sys
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ryot.check.evidence import EvidenceRow, Expected, plan_evidence
from ryot.check.statistics import interval
from ryot.check.verdict import verdict_of
from ryot.measures import Evidence, Measure, Target, parse_target

TODAY = date(2026, 7, 1)
P95 = Measure(name="latency_p95", kind="percentile", quantile=0.95, unit="s", sample="request")
P99 = Measure(name="latency_p99", kind="percentile", quantile=0.99, unit="s", sample="request")
RATE = Measure(name="accuracy", kind="proportion", unit="proportion", sample="item")
LOSS = Measure(name="loss", kind="mean", unit="nats", sample="document")
REDUCTION = Measure(name="time_reduction", kind="ratio", form="reduction", unit="proportion", sample="pair")
SPEEDUP = Measure(name="speed", kind="ratio", form="speedup", sample="pair")
ERRORS = Measure(name="errors", kind="count", sample="request")
MEMORY = Measure(name="memory", kind="exact", unit="bytes")


def target(measure: Measure, rest: str, **fields: object) -> Target:
    return Target.model_validate(parse_target(f"n/{measure.name} {rest}")).model_copy(update=fields)


def row(measure: Measure, rest: str, provided: int | None = None, seen: Evidence | None = None, **fields: object) -> EvidenceRow:
    earlier = {} if seen is None else {f"n/{measure.name}": seen}
    (found,) = plan_evidence([target(measure, rest, **fields)], {f"n/{measure.name}": Expected(measure, provided)}, earlier)
    return found


def drawn(n: int, reduction: float, noise: float, seed: int) -> Evidence:
    draw = random.Random(seed)
    return Evidence(pairs=tuple((draw.gauss(1, noise), (1 - reduction) * draw.gauss(1, noise)) for _ in range(n)))


def test_p99_with_200_requests_cannot_be_certified() -> None:
    found = row(P99, "< 100ms", 200)
    assert (found.provided, found.needed, found.ok) == (200, 299, False)
    assert found.words == "p99 with 200 requests cannot be certified: 299 needed at 95 %"


@pytest.mark.parametrize(("measure", "confidence", "needed"), [(P95, 0.95, 59), (P99, 0.95, 299), (P99, 0.99, 459), (P95, 0.9, 45)])
def test_percentile_needs_what_its_order_statistic_needs(measure: Measure, confidence: float, needed: int) -> None:
    assert row(measure, "< 1s", needed, confidence=confidence).ok
    short = row(measure, "< 1s", needed - 1, confidence=confidence)
    assert (short.needed, short.ok) == (needed, False)


@settings(max_examples=60, deadline=None)
@given(quantile=st.floats(0.5, 0.995), confidence=st.floats(0.6, 0.995), upper=st.booleans())
def test_certifiable_percentile_is_one_that_the_best_samples_pass(quantile: float, confidence: float, upper: bool) -> None:
    measure = Measure(name="latency", kind="percentile", quantile=quantile)
    wanted = target(measure, "< 5" if upper else "> 5", confidence=confidence)
    needed = row(measure, "< 5" if upper else "> 5", None, confidence=confidence).needed
    assert needed is not None
    best = 1.0 if upper else 9.0
    assert verdict_of(wanted, measure, Evidence(samples=(best,) * needed), TODAY).status == "PASS"
    assert needed == 1 or verdict_of(wanted, measure, Evidence(samples=(best,) * (needed - 1)), TODAY).status != "PASS"


@pytest.mark.parametrize("n", [59, 100, 400, 1000])
def test_told_number_of_samples_may_miss_the_bound_and_no_more(n: int) -> None:
    words = row(P95, "< 50ms", n).words
    spare = int(words.split("at most ")[1].split()[0])
    for missing, status in ((spare, "PASS"), (spare + 1, "INCONCLUSIVE")):
        samples = (0.01,) * (n - missing) + (0.05,) * missing
        assert verdict_of(target(P95, "< 50ms"), P95, Evidence(samples=samples), TODAY).status == status


@pytest.mark.parametrize(("rest", "n"), [("> 25%", 100), (">= 90%", 200), ("< 10%", 80), ("<= 1%", 400)])
def test_told_number_of_hits_decides_a_proportion(rest: str, n: int) -> None:
    found = row(RATE, rest, n)
    assert found.ok
    hits = int(found.words.split(" least " if ">" in rest else " most ")[1].split()[0])
    short = hits - 1 if ">" in rest else hits + 1
    assert verdict_of(target(RATE, rest), RATE, Evidence(hits=hits, of=n), TODAY).status == "PASS"
    assert verdict_of(target(RATE, rest), RATE, Evidence(hits=short, of=n), TODAY).status != "PASS"


def test_proportion_says_what_a_truth_a_tenth_above_the_bound_takes() -> None:
    words = row(RATE, "> 25%", 100).words
    wanted = int(words.split("; about ")[1].split()[0].replace(",", ""))
    assert words.endswith("needed if the truth is 27.50 %")
    assert interval(RATE, Evidence(hits=round(wanted * 1.1 * 0.275), of=round(wanted * 1.1)), 0.95)[0] > 0.25
    assert interval(RATE, Evidence(hits=round(wanted * 0.9 * 0.275), of=round(wanted * 0.9)), 0.95)[0] < 0.25


def test_proportion_with_too_few_items_cannot_be_certified() -> None:
    found = row(RATE, ">= 99%", 200)
    assert (found.needed, found.ok) == (299, False)


@pytest.mark.parametrize(("measure", "rest"), [(P95, "== 50ms"), (RATE, ">= 100%"), (RATE, "<= 0%"), (LOSS, "== 2")])
def test_what_no_number_of_samples_shows_is_said(measure: Measure, rest: str) -> None:
    found = row(measure, rest, 10_000)
    assert (found.needed, found.ok) == (None, False)
    assert "leave a margin" in found.words


@pytest.mark.parametrize(("rest", "ok"), [("> 100%", False), ("< 0%", False), (">= 0%", True), ("<= 100%", True), ("> -10%", True)])
def test_what_no_share_or_every_share_meets_needs_no_samples_to_tell(rest: str, ok: bool) -> None:
    found = row(RATE, rest, 10_000)
    assert found.ok is ok
    assert ("no proportion is" in found.words) is not ok


def test_count_says_what_rate_its_trials_would_show() -> None:
    assert row(ERRORS, "== 0", 1000).words == "compared directly; 0 of 1,000 requests would show a rate below 0.30 % at 95 %"
    assert row(ERRORS, "< 3", 1000).words.startswith("compared directly; 2 of 1,000 requests")
    assert row(ERRORS, "<= 3", 1000).words.startswith("compared directly; 3 of 1,000 requests")
    assert row(ERRORS, ">= 3", 1000).words == row(ERRORS, "== 0").words == "compared directly"


def test_exact_measure_needs_one_number() -> None:
    found = row(MEMORY, "< 500MB")
    assert (found.provided, found.needed, found.ok, found.words) == (1, 1, True, "compared directly")


@pytest.mark.parametrize(("measure", "rest", "noun"), [(LOSS, "< 2", "documents"), (REDUCTION, ">= 25%", "pairs")])
def test_spread_is_unknown_before_a_first_run(measure: Measure, rest: str, noun: str) -> None:
    found = row(measure, rest, 30)
    assert (found.ok, found.words) == (None, f"unknown before a first run; 30 {noun} planned, at least 4 needed")
    assert row(measure, rest, 3).words == f"{measure.name} with 3 {noun} cannot be certified: 4 needed at 95 %"


def test_unknown_number_is_taken_from_last_time() -> None:
    unknown = row(P95, "< 5s")
    assert (unknown.provided, unknown.needed, unknown.ok) == (None, 59, None)
    seen = row(P95, "< 5s", seen=Evidence(samples=(1.0,) * 187))
    assert (seen.provided, seen.ok) == (187, True)
    assert seen.words.startswith("187 requests last time")
    assert row(P95, "< 5s", seen=Evidence(samples=(1.0,) * 58)).ok is False


def test_wider_spread_takes_more_pairs() -> None:
    calm, noisy = (row(REDUCTION, ">= 25%", 30, drawn(30, 0.29, noise, 1)) for noise in (0.01, 0.18))
    assert calm.ok
    assert calm.needed is not None
    assert noisy.needed is not None
    assert calm.needed < 8
    assert noisy.needed > 30
    assert noisy.ok is False
    assert "can hardly be certified" in noisy.words


@pytest.mark.parametrize(("measure", "rest"), [(REDUCTION, ">= 25%"), (SPEEDUP, ">= 1.3333333333333333")])
def test_needed_pairs_show_the_target_four_times_in_five(measure: Measure, rest: str) -> None:
    needed = row(measure, rest, 30, drawn(400, 0.29, 0.05, 7)).needed
    assert needed is not None
    shown = [
        verdict_of(target(measure, rest), measure, drawn(needed, 0.29, 0.05, seed), TODAY).status == "PASS" for seed in range(100, 250)
    ]
    assert 0.7 <= sum(shown) / len(shown) <= 0.92


def test_reduction_and_its_speed_up_take_the_same_pairs() -> None:
    seen = drawn(30, 0.27, 0.04, 3)
    assert row(REDUCTION, ">= 20%", 30, seen).needed == row(SPEEDUP, ">= 1.25", 30, seen).needed


def test_mean_counts_from_its_spread() -> None:
    draw = random.Random(5)
    seen = Evidence(samples=tuple(draw.gauss(1.9, 0.4) for _ in range(400)))
    needed = row(LOSS, "< 2", 250, seen).needed
    assert needed is not None
    shown = 0
    for _ in range(150):
        again = Evidence(samples=tuple(draw.gauss(sum(seen.samples) / 400, 0.4) for _ in range(needed)))
        shown += verdict_of(target(LOSS, "< 2"), LOSS, again, TODAY).status == "PASS"
    assert 0.7 <= shown / 150 <= 0.92


def test_missed_target_is_not_mended_by_more_samples() -> None:
    found = row(REDUCTION, ">= 25%", 30, drawn(30, 0.18, 0.02, 1))
    assert (found.needed, found.ok) == (None, None)
    assert "misses the target: more pairs would not show it" in found.words
    assert "30 pairs can show 2" in found.words  # what the spread would allow
    assert found.words.endswith("% or more")


@pytest.mark.parametrize("seen", [Evidence(), Evidence(samples=(float("nan"),) * 50), Evidence(samples=(2.0,))])
def test_unusable_samples_are_as_none(seen: Evidence) -> None:
    found = row(LOSS, "< 3", 30, seen)
    assert found.ok is None


def test_pairs_that_are_not_positive_tell_nothing() -> None:
    assert row(REDUCTION, ">= 25%", 30, Evidence(pairs=((1.0, 0.0), (1.0, -1.0), (1.0, 0.5), (2.0, 0.1)))).ok is None


def test_equal_samples_need_the_fewest() -> None:
    assert row(LOSS, "< 3", 30, Evidence(samples=(2.0,) * 10)).needed == 4


def test_every_target_has_a_row_whatever_its_priority_and_waiver() -> None:
    waiver = {"owner": "an owner", "reason": "later", "expires": "2026-12-31"}
    fields = {"measure": "n/errors", "at_most": 0, "waiver": waiver}
    waived = Target.model_validate(parse_target(fields))
    rows = plan_evidence([target(P95, "< 1s", priority="should"), waived], {"n/latency_p95": Expected(P95), "n/errors": Expected(ERRORS)})
    assert [(found.priority, found.waived) for found in rows] == [("should", None), ("must", "an owner, until 2026-12-31")]


def test_planning_evidence_imports_no_numpy() -> None:
    code = "import sys, ryot.engine.evidence; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
