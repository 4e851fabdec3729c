from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ryot.stages.train.rows import NO_TARGET, Layout, Rows, blank, lay_out, pack

PAD = 2


def documents(lengths: list[int]) -> list[np.ndarray]:
    """Documents whose tokens are all different, so that each can be found again."""
    ends = np.cumsum([0, *lengths])
    return [np.arange(start, end, dtype=np.int64) + 10 for start, end in pairwise(ends)]


def held(rows: list[Rows]) -> list[list[int]]:
    """The documents that the rows hold, each as its ids."""
    found = []
    for part in rows:
        for ids, segments in zip(part.ids_RL, part.segments_RL, strict=True):
            found += [ids[segments == number].tolist() for number in range(1, segments.max(initial=0) + 1)]
    return sorted(found)


@given(st.lists(st.integers(1, 16), min_size=1, max_size=40), st.integers(1, 5), st.booleans())
def test_every_document_is_in_a_row_whole_and_once(lengths: list[int], most: int, packed: bool) -> None:
    rows = lay_out(documents(lengths), Layout(packed, most, 16, PAD))
    assert held(rows) == sorted(document.tolist() for document in documents(lengths))
    assert all(len(part.ids_RL) <= (1 if packed else most) for part in rows)


@given(st.lists(st.integers(1, 16), min_size=1, max_size=40))
def test_packed_rows_are_nearly_of_one_length(lengths: list[int]) -> None:
    rows = [sum(map(len, row)) for row in pack(documents(lengths), 4)]
    assert sum(rows) == sum(lengths)
    assert max(rows) <= min(rows) + max(lengths)


def test_packing_leaves_no_padding() -> None:
    lengths = [100 + 7 * number % 19 for number in range(32)]
    packed = lay_out(documents(lengths), Layout(True, 16, 128, PAD))
    plain = lay_out(documents(lengths), Layout(False, 16, 128, PAD))
    real, computed, padded = sum(lengths), sum(rows.size for rows in packed), sum(rows.size for rows in plain)
    assert computed == real
    assert computed < 0.95 * padded


@pytest.mark.parametrize("packed", [False, True])
def test_a_target_is_the_next_token_of_the_same_document(packed: bool) -> None:
    (rows,) = lay_out(documents([4, 1, 6, 5]), Layout(packed, 8, 16, PAD))
    for ids, segments, targets in zip(rows.ids_RL, rows.segments_RL, rows.targets_RL, strict=True):
        for place in range(len(ids)):
            follows = place + 1 < len(ids) and segments[place] != 0 and segments[place + 1] == segments[place]
            assert targets[place] == (ids[place + 1] if follows else NO_TARGET)


def test_positions_start_again_with_every_document() -> None:
    (rows,) = lay_out(documents([3, 2]), Layout(True, 8, 16, PAD))
    assert rows.positions_RL.tolist() == [[0, 1, 2, 0, 1]]


def test_packed_rows_are_spread_evenly_over_the_forward_passes() -> None:
    rows = lay_out(documents([16] * 16), Layout(True, 8, 16, PAD))
    assert [part.ids_RL.shape for part in rows] == [(1, 128), (1, 128)]


def test_plain_rows_are_as_long_as_the_longest_of_their_batch() -> None:
    rows = lay_out(documents([3, 9, 2, 4]), Layout(False, 2, 16, PAD))
    assert [part.ids_RL.shape for part in rows] == [(2, 9), (2, 4)]


def test_a_blank_row_has_no_target() -> None:
    assert (blank(Layout(True, 8, 16, PAD)).targets_RL == NO_TARGET).all()
