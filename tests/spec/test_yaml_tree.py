"""The YAML reader: plain data with places, and bounds on what a file can make it do."""

from __future__ import annotations

import json
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryot.errors import SpecError
from ryot.spec.yaml_tree import Located, parse
from tests.spec.yardstick import yardstick_s


@pytest.mark.parametrize(("text", "value"), [
    ("1", 1), ("-7", -7), ("+7", 7), ("007", 7), ("1_000", 1000), ("0x1f", 31), ("0o17", 15), ("0b11", 3),
    ("1.5", 1.5), ("1e-4", 1e-4), ("3E8", 3e8), ("-.5", -0.5), ("1_0.5", 10.5),
    ("true", True), ("False", False), ("yes", "yes"), ("no", "no"), ("on", "on"),
    ("null", None), ("~", None), ("''", ""), ("'1'", "1"), ('"true"', "true"), ("50ms", "50ms"), ("25%", "25%"),
    ("2026-01-01", "2026-01-01"), ("12:30:00", "12:30:00"), ("1.2.3", "1.2.3"), ("!!str 5", "5"), ("! 5", "5"),
    ("[1, two]", [1, "two"]), ("{a: {b: [c]}}", {"a": {"b": ["c"]}}), ("|\n  two\n  lines\n", "two\nlines\n"),
])  # fmt: skip
def test_scalar_is_read_as_yaml_1_2(text: str, value: object) -> None:
    found = parse(f"key: {text}", "f").plain()["key"]
    assert (type(found), found) == (type(value), value)


def test_every_value_knows_its_place_and_its_line() -> None:
    tree = parse("a: 1\nb:\n  - x\n  - {c: y}\n", "f.yaml")
    where, steps = tree.at(("b", 1, "c"))
    assert (str(where.key), str(where.place), where.place.text, steps) == ("f.yaml:4:6", "f.yaml:4:9", "  - {c: y}", 3)


def test_path_that_leads_nowhere_ends_at_the_last_thing_there() -> None:
    tree = parse("a: {b: 1}\n", "f")
    assert tree.at(("a", "x", "y"))[1] == 1
    assert tree.at(("a", "b", "y"))[0].value == 1


def test_alias_has_the_value_of_its_anchor_and_its_own_key() -> None:
    tree = parse("a: &x {b: 1}\nc: *x\n", "f")
    assert tree.plain() == {"a": {"b": 1}, "c": {"b": 1}}
    assert tree.value["c"].key.line == 2
    assert tree.value["c"].value["b"].place.line == 1


def test_later_anchor_of_a_name_counts() -> None:
    assert parse("a: &x 1\nb: &x 2\nc: *x\n", "f").plain()["c"] == 2


def test_long_line_is_shown_in_part() -> None:
    assert len(parse("a: " + "x" * 10_000, "f").place.text) == 200


def test_parts_of_a_place_are_right_behind_text_with_line_separators() -> None:
    tree = parse('a: "one\u2028two"\nb: 1\n', "f")
    assert tree.value["b"].place.text == "b: 1"


@pytest.mark.parametrize(("text", "line", "words"), [
    ("a: 1\na: 2\n", 2, "written twice; first on line 1"),
    ("a: 1\n'a': 2\n", 2, "written twice; first on line 1"),
    ("a: .nan", 1, "(not a number)"),
    ("a: -.inf", 1, "(infinity)"),
    ("a: 1e400", 1, "too large a number"),
    ("a: !x 1", 1, "the tag !x is not allowed"),
    ("a: !x [1]", 1, "the tag !x is not allowed"),
    ("!x\na: 1", 1, "the tag !x is not allowed"),
    ("a: 1\n---\nb: 2", 2, "second document"),
    ("a: 1\n...\n---\nb: 2", 3, "second document"),
    ("a: 1\nb: [\n", 2, "what opens here is not closed"),
    ("a: 'x\nb: 1\n", 1, "what opens here is not closed"),
    ("a: {b: 1\nc: 2\n", 1, "what opens here is not closed"),
    ("a: &x\n  b: *x\n", 2, "contains itself"),
    ("? {a: 1}\n: 2\n", 1, "a key must be plain text"),
    ("? *x\n: 2\n", 1, "a key must be plain text"),
    ("a:\n\tb: 1\n", 2, "not YAML"),
    ("a: \x07", 1, "not YAML"),
    ("a: 1\nb: \x1b[31m", 2, "not YAML"),
    ("--- # nothing\n...\n", 1, "a spec"),
])  # fmt: skip
def test_refusal_names_the_line(text: str, line: int, words: str) -> None:
    if words == "a spec":
        assert parse(text, "f").value is None
        return
    with pytest.raises(SpecError) as caught:
        parse(text, "f")
    assert caught.value.at is not None
    assert caught.value.at.line == line
    assert words in caught.value.message


@pytest.mark.parametrize("text", [
    "a: &a [x, x]\n" + "".join(f"k{i}: &k{i} [{', '.join(['*a' if i == 0 else f'*k{i - 1}'] * 9)}]\n" for i in range(40)),
    "a: " + "[" * 200_000,
    "a: " + "{a: " * 100_000,
    "".join(" " * i + "k:\n" for i in range(500)),
    "a: &a " + "[" * 30 + "]" * 30 + "\n" + "".join(f"k{i}: *a\n" for i in range(1000)),
    "- - - - - - - - " * 100,
])  # fmt: skip
def test_hostile_file_is_refused_fast(text: str) -> None:
    began = time.process_time()
    with pytest.raises(SpecError):
        parse(text, "f")
    assert time.process_time() - began < 4 * yardstick_s()


def line_of_refusal(text: str) -> int:
    """The line of the error that a text gives; 1 when it is sound. Anything but a placed SpecError is a bug."""
    try:
        assert isinstance(parse(text, "f"), Located)
    except SpecError as error:
        return error.at.line if error.at else 0
    return 1


@given(st.text())
def test_any_text_is_data_or_a_placed_spec_error(text: str) -> None:
    assert line_of_refusal(text) >= 1


@given(st.text(alphabet=" \n:-[]{}&*!'\"#|>%@,?ax1.\t", max_size=60))
def test_any_text_in_yamls_own_letters_is_data_or_a_placed_spec_error(text: str) -> None:
    assert line_of_refusal(text) >= 1


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("abc %é", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcd", min_size=1), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text("xyz", min_size=1), plain))
def test_json_is_read_as_it_is(value: dict[str, object]) -> None:
    assert parse(json.dumps(value), "f").plain() == value


def test_no_number_that_is_read_is_infinite() -> None:
    assert math.isfinite(parse("a: " + "9" * 300, "f").plain()["a"])
