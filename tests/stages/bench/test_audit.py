"""Whether a load test may be believed."""

from dataclasses import replace

from ryot.stages.bench.audit import Audit, audit, objections
from ryot.stages.bench.samples import Sample

GOOD = Audit(cpu_share=0.1, lag_p50_s=0.001, latency_p50_s=0.02, requests=10, kept=10, locust=10, sent=20, answered=20, served=20)


def test_a_sound_run_has_no_objections():
    assert objections(GOOD) == []


def test_a_generator_at_the_limit_of_its_core_is_the_bottleneck():
    assert "bottleneck" in objections(replace(GOOD, cpu_share=0.95))[0]


def test_a_generator_that_wakes_up_late_measures_itself():
    assert "late" in objections(replace(GOOD, lag_p50_s=0.02))[0]


def test_lost_samples_invalidate():
    assert objections(replace(GOOD, kept=9))
    assert objections(replace(GOOD, locust=9))


def test_the_server_must_have_counted_what_was_answered():
    assert objections(replace(GOOD, served=19))
    assert objections(replace(GOOD, served=21))


def test_requests_given_up_may_or_may_not_have_been_finished():
    given_up = replace(GOOD, answered=16)
    assert objections(replace(given_up, served=16)) == []
    assert objections(replace(given_up, served=20)) == []


def test_what_was_answered_is_counted_in_prompts_and_with_the_warm_up():
    summary = {"cpu_s": 0.5, "wall_s": 2.0, "lags_s": [0.1, 0.2, 0.3], "locust_requests": 2, "warmed": 3, "warmed_ok": 1}
    found = audit(2, 4, [Sample(0, 0, 1, 4), Sample(1, 1, 2, 0, "timeout")], summary, 4)
    assert (found.sent, found.answered, found.cpu_share, found.lag_p50_s) == (20, 8, 0.25, 0.2)
