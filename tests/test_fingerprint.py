"""One value, one identity: in this process, in another, whatever the order of its keys; and no identity without a stable form."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryot.fingerprint import canonical, fingerprint, stable

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def shuffled(value: Any) -> Any:
    """The same value with the keys of every map in the opposite order, and lists as tuples."""
    if isinstance(value, dict):
        return {key: shuffled(item) for key, item in reversed(value.items())}
    return tuple(map(shuffled, value)) if isinstance(value, list) else value


@given(values)
def test_order_of_keys_and_kind_of_sequence_do_not_matter(value: object) -> None:
    assert fingerprint(shuffled(value)) == fingerprint(value)


@given(values)
def test_value_read_back_from_its_json_is_the_same(value: object) -> None:
    assert fingerprint(json.loads(canonical(value))) == fingerprint(value)
    assert canonical(stable(value)) == canonical(value)


@given(values, values)
def test_different_values_differ(one: object, two: object) -> None:
    assert (canonical(one) == canonical(two)) == (fingerprint(one) == fingerprint(two))


def test_known_value_has_its_known_identity() -> None:
    assert canonical({"b": [1.0, 0.5, "é"], "a": None}) == '{"a":null,"b":[1,0.5,"é"]}'
    assert fingerprint({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_integral_float_and_integer_are_one_but_true_and_one_are_two() -> None:
    assert fingerprint(1.0) == fingerprint(1)
    assert fingerprint(-0.0) == fingerprint(0)
    assert fingerprint(True) != fingerprint(1)
    assert fingerprint("1") != fingerprint(1)
    assert fingerprint(None) != fingerprint("null")


@pytest.mark.parametrize("value", [
    float("nan"), float("inf"), {1, 2}, b"x", Path("x"), date(2026, 1, 1), object(), {1: "x"}, {"a": [{"b": {3}}]}, 1j, len,
])  # fmt: skip
def test_value_without_a_stable_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match=r"has no stable form|only strings have a stable form"):
        fingerprint(value)


def test_refusal_names_the_place() -> None:
    with pytest.raises(TypeError, match=r"value\.a\[1\]\.b is a set"):
        canonical({"a": [0, {"b": {1}}]})


def test_another_process_finds_the_same_identity() -> None:
    value = {"z": [1, 2.5, {"k": "ü"}], "a": True}
    code = f"from ryot.fingerprint import fingerprint; print(fingerprint({value!r}))"
    argv = [sys.executable, "-R", "-c", code]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip() == fingerprint(value)
