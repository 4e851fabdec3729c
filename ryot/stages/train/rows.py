"""Documents laid out in rows for the network: one padded document a row, or several packed into one. Pure numpy.

Shapes: R rows, L row length. Padding stands on the right; segment 0 is padding, documents are 1, 2, ... within their row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

NO_TARGET = -100
"""The target where nothing is to be predicted: padding, and the last token of a document."""

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """What one forward pass reads. `packed` says that a row may hold several documents, which must not see each other."""

    ids_RL: Ids
    positions_RL: Ids
    segments_RL: Ids
    targets_RL: Ids
    packed: bool

    @property
    def size(self) -> int:
        """Row positions, padding included."""
        return int(self.ids_RL.size)


@dataclass(frozen=True, slots=True)
class Layout:
    """How documents become rows. `length` fixes the rows' length (compiled code wants one shape); None fits it to the longest row."""

    packed: bool
    rows: int
    context: int
    pad: int
    length: int | None = None


def lay_out(documents: Sequence[Ids], layout: Layout) -> list[Rows]:
    """The rows of some documents, at most `layout.rows` for each forward pass."""
    if layout.packed:
        groups = _even(pack(documents, layout.context), layout.rows)
    else:
        groups = [[[document] for document in documents[start : start + layout.rows]] for start in range(0, len(documents), layout.rows)]
    return [_fill(group, layout) for group in groups]


def blank(layout: Layout) -> Rows:
    """A row without any target: what a rank computes that has no documents left while others have."""
    row_L = np.full((1, layout.length or 2), layout.pad, dtype=np.int64)
    return Rows(row_L, np.zeros_like(row_L), np.zeros_like(row_L), np.full_like(row_L, NO_TARGET), layout.packed)


def pack(documents: Sequence[Ids], capacity: int) -> list[list[Ids]]:
    """Whole documents in as few rows of `capacity` tokens as first-fit decreasing finds (at most 11/9 of the fewest, plus 6/9)."""
    order = sorted(range(len(documents)), key=lambda index: -len(documents[index]))
    rows: list[list[Ids]] = []
    free: list[int] = []
    for index in order:
        size = len(documents[index])
        place = next((row for row, room in enumerate(free) if room >= size), None)
        if place is None:
            rows.append([])
            free.append(capacity)
            place = len(rows) - 1
        rows[place].append(documents[index])
        free[place] -= size
    return rows


def _even(rows: list[list[Ids]], most: int) -> list[list[list[Ids]]]:
    """Rows in as few groups as `most` allows, of sizes that differ by one at most: no forward pass is left with a lone row."""
    groups = -(-len(rows) // most)
    edges = [len(rows) * group // groups for group in range(groups + 1)] if groups else [0]
    return [rows[start:end] for start, end in pairwise(edges)]


def _fill(group: Sequence[Sequence[Ids]], layout: Layout) -> Rows:
    length = layout.length or max(sum(map(len, row)) for row in group)
    shape = (len(group), length)
    ids_RL, targets_RL = np.full(shape, layout.pad, dtype=np.int64), np.full(shape, NO_TARGET, dtype=np.int64)
    positions_RL, segments_RL = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for row, documents in enumerate(group):
        start = 0
        for segment, document in enumerate(documents, start=1):
            end = start + len(document)
            ids_RL[row, start:end] = document
            targets_RL[row, start : end - 1] = document[1:]
            positions_RL[row, start:end] = np.arange(len(document))
            segments_RL[row, start:end] = segment
            start = end
    return Rows(ids_RL, positions_RL, segments_RL, targets_RL, layout.packed)
