"""Both bounds of the length are within it."""

from tests.stages.filter.conftest import reason


def test_bounds_belong_to_it() -> None:
    found = [reason("length", "x" * count, min=5, max=8) for count in (4, 5, 8, 9)]
    assert found == ["too_short", None, None, "too_long"]


def test_a_hundred_to_a_million_by_default() -> None:
    assert [reason("length", "x" * count) for count in (99, 100, 10**6, 10**6 + 1)] == ["too_short", None, None, "too_long"]
