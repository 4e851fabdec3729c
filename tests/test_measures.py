"""Measures, evidence and targets: the value a measure shows, and what a target may be."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ryot.measures import Evidence, Measure, Target, finite, fits, parse_target, point, size

COUNT, EXACT = Measure(name="errors", kind="count"), Measure(name="gap", kind="exact")
SHARE, MEAN = Measure(name="accuracy", kind="proportion", unit="proportion"), Measure(name="rate", kind="mean")
P95 = Measure(name="latency_p95", kind="percentile", unit="s", quantile=0.95)
REDUCTION, SPEEDUP = Measure(name="saved", kind="ratio", form="reduction"), Measure(name="speed", kind="ratio", form="speedup")


@pytest.mark.parametrize(("measure", "evidence", "value", "count"), [
    (COUNT, {"value": 3, "of": 1000}, 3, 1000),
    (COUNT, {"value": 0}, 0, 1),
    (EXACT, {"value": -0.5}, -0.5, 1),
    (SHARE, {"hits": 3, "of": 4}, 0.75, 4),
    (MEAN, {"samples": (1.0, 2.0, 6.0)}, 3.0, 3),
    (P95, {"samples": tuple(range(1, 101))}, 95, 100),
    (P95, {"samples": (7.0,)}, 7.0, 1),
    (REDUCTION, {"pairs": ((10.0, 7.0), (10.0, 8.0))}, 0.25, 2),
    (SPEEDUP, {"pairs": ((10.0, 5.0), (10.0, 5.0))}, 2.0, 2),
])  # fmt: skip
def test_value_and_number_of_samples(measure: Measure, evidence: dict[str, Any], value: float, count: int) -> None:
    found = Evidence.model_validate(evidence)
    assert point(measure, found) == pytest.approx(value)
    assert size(measure, found) == count


@pytest.mark.parametrize("measure", [COUNT, EXACT, SHARE, MEAN, P95, REDUCTION, SPEEDUP])
def test_no_sample_is_no_value(measure: Measure) -> None:
    assert point(measure, Evidence()) is None
    assert size(measure, Evidence()) == 0


def test_zero_of_zero_is_no_value() -> None:
    assert point(SHARE, Evidence(hits=0, of=0)) is None


@pytest.mark.parametrize("measure", [REDUCTION, SPEEDUP])
def test_ratio_to_nothing_is_not_a_number(measure: Measure) -> None:
    value = point(measure, Evidence(pairs=((0.0, 0.0),)))
    assert value is not None
    assert math.isnan(value)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.floats(0.01, 0.99))
def test_percentile_is_a_sample_that_enough_samples_do_not_exceed(samples: list[float], quantile: float) -> None:
    value = point(Measure(name="p", kind="percentile", quantile=quantile), Evidence(samples=tuple(samples)))
    assert value in samples
    assert sum(sample <= value for sample in samples) >= quantile * len(samples) - 1e-9


@pytest.mark.parametrize("evidence", [
    {"value": math.nan}, {"value": math.inf}, {"samples": (1.0, math.nan)}, {"samples": (-math.inf,)}, {"pairs": ((1.0, math.nan),)},
])  # fmt: skip
def test_nan_and_infinity_are_kept_and_seen(evidence: dict[str, Any]) -> None:
    assert not finite(Evidence.model_validate(evidence))


def test_numbers_are_finite() -> None:
    assert finite(Evidence(value=1, samples=(2.0,), pairs=((1.0, 2.0),)))
    assert finite(Evidence())


@pytest.mark.parametrize("fields", [
    {"name": "p", "kind": "percentile"}, {"name": "p", "kind": "exact", "quantile": 0.5}, {"name": "r", "kind": "ratio"},
    {"name": "m", "kind": "mean", "form": "speedup"}, {"name": "Bad Name", "kind": "exact"}, {"name": "a/b", "kind": "exact"},
    {"name": "p", "kind": "percentile", "quantile": 1.0}, {"name": "x", "kind": "median"},
])  # fmt: skip
def test_incomplete_measure_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Measure.model_validate(fields)


@pytest.mark.parametrize(("written", "expected"), [
    ("compare/saved >= 25%", ("compare/saved", ">=", 0.25, "")),
    ("bench.single/latency_p95 < 50ms", ("bench.single/latency_p95", "<", 0.05, "s")),
    ("a/b  ==   0", ("a/b", "==", 0, "")),
    ("a/b > 400 tokens/s", ("a/b", ">", 400, "tokens/s")),
    ({"measure": "a/b", "at_least": "80%"}, ("a/b", ">=", 0.8, "")),
    ({"measure": "a/b", "at_most": 5}, ("a/b", "<=", 5, "")),
    ({"measure": "a/b", "more_than": "1s"}, ("a/b", ">", 1, "s")),
    ({"measure": "a/b", "less_than": "1MiB"}, ("a/b", "<", 1 << 20, "bytes")),
    ({"measure": "a/b", "equals": 0}, ("a/b", "==", 0, "")),
])  # fmt: skip
def test_target_is_read(written: object, expected: tuple[object, ...]) -> None:
    target = Target.model_validate(parse_target(written))
    assert (target.measure, target.comparison, target.bound, target.unit) == expected
    assert (target.priority, target.confidence, target.waiver) == ("must", 0.95, None)


def test_target_knows_its_node_and_measure() -> None:
    target = Target.model_validate(parse_target("bench.single/latency_p95 < 50ms"))
    assert (target.node, target.name) == ("bench.single", "latency_p95")


@pytest.mark.parametrize("written", [
    "", "a/b", "a/b >=", "a/b >= ", "a/b => 5", "a/b>=5", "a/b >= 5 6", "a >= 5", "a/b/c >= 5", "a/b >= nan", "a/b >= inf",
    "/b >= 5", "a/ >= 5",
    5, None, [], {"measure": "a/b"}, {"measure": "a/b", "at_least": 1, "at_most": 2}, {"at_least": 1}, {"measure": "a/b", "at_least": None},
    {"measure": "a/b", "at_least": True}, {"measure": "a/b", "at_least": 1, "unit": "s"}, {"measure": "a/b", "at_least": 1,
    "wavier": {}},
    {"measure": 5, "at_least": 1}, {"measure": "a/b", "at_least": 1, "confidence": 0.5}, {"measure": "a/b", "at_least": 1,
    "priority": "could"},
])  # fmt: skip
def test_what_is_no_target_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Target.model_validate(parse_target(written))


@pytest.mark.parametrize(("target", "measure", "fit"),
[
    ("s", "s", True), ("", "", True), ("", "proportion", True), ("", "s", False), ("", "bytes", False), ("", "tokens/s", False),
    ("", "usd", False),
    ("s", "bytes", False), ("bytes", "bytes/h", False), ("", "s/h", False), ("bytes/h", "bytes/h", True),
    ("tokens/s", "tokens/s", True), ("tokens/s", "requests/s", False), ("", "nats", True), ("s", "", False),
])  # fmt: skip
def test_units_that_can_be_compared(target: str, measure: str, fit: bool) -> None:
    assert fits(target, measure) is fit
