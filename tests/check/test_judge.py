"""Targets against what was measured: missing nodes, missing measures, units."""

from datetime import date

import pytest

from ryot.check.judge import Measured, judge
from ryot.measures import Evidence, Measure, Target, fits, parse_target

TODAY = date(2026, 11, 21)
P95 = Measure(name="latency_p95", kind="percentile", quantile=0.95, unit="s")
MEASURED = {"bench.single/latency_p95": Measured(P95, Evidence(samples=(0.02,) * 100))}


def targets(*written: str) -> list[Target]:
    return [Target.model_validate(parse_target(text)) for text in written]


def test_every_target_gets_a_verdict_in_order() -> None:
    verdicts = judge(targets("bench.single/latency_p95 < 50ms", "bench.single/latency_p95 < 1ms"), MEASURED, {}, TODAY)
    assert [verdict.status for verdict in verdicts] == ["PASS", "FAIL"]
    assert verdicts[0].target == "bench.single/latency_p95 < 50ms"
    assert verdicts[0].measure == "bench.single/latency_p95"


def test_a_node_without_record_makes_its_targets_errors_that_say_why() -> None:
    (verdict,) = judge(targets("compare/stack_time_reduction >= 25%"), MEASURED, {"compare": "failed: out of memory"}, TODAY)
    assert (verdict.status, verdict.reason) == ("ERROR", "compare failed: out of memory")


def test_a_problem_of_a_node_outweighs_an_old_measurement() -> None:
    (verdict,) = judge(targets("bench.single/latency_p95 < 50ms"), MEASURED, {"bench.single": "was not run"}, TODAY)
    assert verdict.status == "ERROR"


def test_a_measure_that_nobody_took_is_an_error() -> None:
    (verdict,) = judge(targets("bench.single/latency_p99 < 50ms"), MEASURED, {}, TODAY)
    assert (verdict.status, verdict.reason) == ("ERROR", "bench.single/latency_p99 was not measured")


def test_a_measure_that_could_not_be_taken_is_an_error_that_says_why() -> None:
    problems = {"bench.single/latency_p99": "this machine has no clock"}
    (verdict,) = judge(targets("bench.single/latency_p99 < 50ms"), MEASURED, problems, TODAY)
    assert (verdict.status, verdict.reason) == ("ERROR", "bench.single/latency_p99 was not measured: this machine has no clock")


def test_a_target_in_another_unit_is_an_error() -> None:
    (verdict,) = judge(targets("bench.single/latency_p95 < 50MB"), MEASURED, {}, TODAY)
    assert verdict.status == "ERROR"
    assert "bytes" in verdict.reason


@pytest.mark.parametrize(
    ("target_unit", "measure_unit", "expected"),
    [
        ("s", "s", True),
        ("tokens/s", "tokens/s", True),
        ("", "", True),
        ("", "proportion", True),
        ("", "nats", True),
        ("", "s", False),
        ("", "bytes", False),
        ("", "tokens/s", False),
        ("s", "", False),
        ("s", "bytes", False),
        ("requests/s", "tokens/s", False),
    ],
)
def test_units_fit_when_nothing_is_ambiguous(target_unit: str, measure_unit: str, expected: bool) -> None:
    assert fits(target_unit, measure_unit) is expected
