"""Values with units: what is taken, what is refused, and how they are shown."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ryot.units import STORED, Bytes, Count, Duration, Proportion, Quantity, parse_quantity, show, show_bytes, show_seconds, split_number

TYPES: dict[str, TypeAdapter[Any]] = {
    "duration": TypeAdapter(Duration), "bytes": TypeAdapter(Bytes), "count": TypeAdapter(Count), "proportion": TypeAdapter(Proportion),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "value"), [
    ("duration", "50ms", 0.05), ("duration", "1.5 h", 5400.0), ("duration", "2min", 120.0), ("duration", "3µs", 3e-6), ("duration", 0, 0),
    ("bytes", "80GiB", 80 << 30), ("bytes", "1.5kB", 1500), ("bytes", "500MB", 500_000_000), ("bytes", "12B", 12), ("bytes",
    "0.5 MiB", 1 << 19),
    ("count", "1.3B", 1_300_000_000), ("count", "1.1M", 1_100_000), ("count", 7, 7), ("count", "108K", 108_000), ("count", "1_000", 1000),
    ("proportion", "30%", 0.3), ("proportion", 0.25, 0.25), ("proportion", "0.25", 0.25), ("proportion", 1, 1), ("proportion", "0%", 0.0),
])  # fmt: skip
def test_value_with_its_unit_is_taken(kind: str, text: object, value: float) -> None:
    assert TYPES[kind].validate_python(text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("kind", "text"),
[
    ("duration", 50), ("duration", "50"), ("duration", "50GiB"), ("duration", "ms"), ("duration", True), ("duration", None),
    ("duration", "1e999s"),
    ("duration", "nan s"), ("duration", [1]), ("bytes", 80), ("bytes", "80Gib"), ("bytes", "80gb"), ("bytes", "0.5B"), ("bytes", "1s"),
    ("count", "1.5"), ("count", 1.5), ("count", "30%"), ("count", "1.0000001K"), ("count", True), ("count", ""), ("count", "1 2"),
    ("proportion", "101%"), ("proportion", 1.01), ("proportion", -0.1), ("proportion", "30"), ("proportion", "30 percent"),
    ("proportion", float("nan")), ("proportion", False),
])  # fmt: skip
def test_wrong_or_missing_unit_is_refused(kind: str, text: object) -> None:
    with pytest.raises(ValidationError):
        TYPES[kind].validate_python(text)


def test_what_ryot_stored_needs_no_unit() -> None:
    assert TYPES["duration"].validate_python(0.05, context=STORED) == 0.05
    assert TYPES["bytes"].validate_python(1 << 30, context=STORED) == 1 << 30


@pytest.mark.parametrize(("text", "quantity"), [
    ("50ms", Quantity(0.05, "s")), ("25%", Quantity(0.25, "")), (0.05, Quantity(0.05, "")), ("500MB", Quantity(5e8, "bytes")),
    ("400 tokens/s", Quantity(400, "tokens/s")), ("0", Quantity(0, "")), ("1.1M", Quantity(1.1e6, "")), ("3 usd", Quantity(3, "usd")),
    ("1e-5", Quantity(1e-5, "")), ("-2", Quantity(-2, "")), ("2 B", Quantity(2e9, "")), ("10MB/h", Quantity(1e7, "bytes/h")),
    ("5 ms/h", Quantity(0.005, "s/h")),
])  # fmt: skip
def test_quantity_of_a_target(text: str | float, quantity: Quantity) -> None:
    found = parse_quantity(text)
    assert found.unit == quantity.unit
    assert found.value == pytest.approx(quantity.value, rel=1e-12)


@pytest.mark.parametrize("text", ["", "ms", "five", "5 furlongs", "5ms s", True, float("nan"), float("inf"), "1e999", "1e999%", "1e305TiB"])
def test_what_is_no_quantity_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match=r"number|unit"):
        parse_quantity(text)


@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e250, max_value=1e250),
    st.sampled_from(["ms", "s", "h", "MB", "GiB", "%", "", "K"]),
)
def test_every_number_with_a_known_unit_is_a_finite_quantity(number: float, unit: str) -> None:
    assert math.isfinite(parse_quantity(f"{number!r}{unit}").value)


@given(st.text(max_size=20))
def test_any_text_is_a_quantity_or_a_value_error(text: str) -> None:
    try:
        found = parse_quantity(text)
    except ValueError:
        return
    assert math.isfinite(found.value)


@given(st.integers(0, 10**12))
def test_whole_counts_are_exact(number: int) -> None:
    assert TYPES["count"].validate_python(str(number)) == number


def test_number_and_unit_are_split() -> None:
    assert split_number(" 1_000.5e1  ms ") == (10005.0, "ms")


@pytest.mark.parametrize(("seconds", "text"), [
    (0.0192, "19.2 ms"), (4.12, "4.1 s"), (185, "3 min 05 s"), (7800, "2 h 10 min"), (59.94, "59.9 s"), (0, "0 ms"), (0.9996, "1.0 s"),
    (59.96, "60.0 s"), (3599.6, "1 h 00 min"),
])  # fmt: skip
def test_duration_for_people(seconds: float, text: str) -> None:
    assert show_seconds(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(12, "12 B"), (1536, "1.5 KiB"), (13.7 * 2**20, "13.7 MiB"), (3 * 2**40, "3.0 TiB"), (5000 * 2**40, "5000.0 TiB")]
)
def test_size_for_people(size: float, text: str) -> None:
    assert show_bytes(size) == text


@pytest.mark.parametrize(("value", "unit", "text"),
[
    (None, "s", "-"), (0.05, "s", "50 ms"), (-0.05, "s", "-50 ms"), (0.25, "proportion", "25.00 %"), (1e6, "",
    "1,000,000"),
    (412.345, "tokens/s", "412.3 tokens/s"), (12345.6, "tokens/s", "12,346 tokens/s"), (1 << 20, "bytes", "1.0 MiB"),
    (float("nan"), "", "nan"),
])  # fmt: skip
def test_measure_for_people(value: float | None, unit: str, text: str) -> None:
    assert show(value, unit) == text


def test_percent_and_proportion_are_one_number() -> None:
    for percent in range(101):
        assert TYPES["proportion"].validate_python(f"{percent}%") == percent / 100 == parse_quantity(f"{percent}%").value
    assert TYPES["proportion"].validate_python("0.7%") == 0.007


@pytest.mark.parametrize(("kind", "unit", "per_base"), [("duration", "ms", 1000), ("duration", "us", 10**6), ("duration", "ns", 10**9)])
def test_small_units_are_exact(kind: str, unit: str, per_base: int) -> None:
    for number in range(1, 1000):
        assert TYPES[kind].validate_python(f"{number}{unit}") == number / per_base == parse_quantity(f"{number}{unit}").value


def test_tenths_of_large_units_are_exact() -> None:
    for tenths in range(1, 1000):
        written = f"{tenths // 10}.{tenths % 10}"
        assert parse_quantity(f"{written}M").value == tenths * 100_000
        assert parse_quantity(f"{written}GB").value == tenths * 10**8
        assert parse_quantity(f"{written}h").value == tenths * 360


def test_a_drift_is_shown_by_the_hour() -> None:
    assert (show(1.5e6, "bytes/h"), show(-0.002, "s/h")) == ("1.4 MiB/h", "-2 ms/h")
