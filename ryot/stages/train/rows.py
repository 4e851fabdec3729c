"""Documents laid out in rows for the network: one padded document a row, or several packed into one. Pure numpy.

Shapes: R rows, L row length. Padding stands on the right; segment 0 is padding, documents are 1, 2, ... within their row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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
    """How documents become rows: at most `rows` padded ones in a forward pass, each as long as the longest beside it; or packed, then
    one row without padding, of about as many tokens."""

    packed: bool
    rows: int
    context: int
    pad: int


def lay_out(documents: Sequence[Ids], layout: Layout) -> list[Rows]:
    """The rows of some documents, at most `layout.rows` for each forward pass."""
    if layout.packed:
        groups = [[group] for group in _packed_groups(documents, layout)]
    else:
        groups = [[[document] for document in documents[start : start + layout.rows]] for start in range(0, len(documents), layout.rows)]
    return [_fill(group, layout) for group in groups]


def blank(layout: Layout) -> Rows:
    """A row without any target: what a rank computes that has no documents left while others have."""
    row_L = np.full((1, 2), layout.pad, dtype=np.int64)
    return Rows(row_L, np.arange(2)[None], np.ones_like(row_L), np.full_like(row_L, NO_TARGET), layout.packed)


def _packed_groups(documents: Sequence[Ids], layout: Layout) -> list[list[Ids]]:
    """The documents of each packed row, one a forward pass: as few as hold `layout.rows` contexts of tokens each, nearly equally long."""
    tokens = sum(map(len, documents))
    return [group for group in pack(documents, -(-tokens // (layout.rows * layout.context))) if group] if documents else []


def pack(documents: Sequence[Ids], rows: int) -> list[list[Ids]]:
    """Whole documents in `rows` rows of nearly one length: the longest document first, each to the row that is shortest so far.

    The longest row is at most 4/3 of what the best division has (LPT; Graham, 1969), and close to it for many documents.
    """
    found: list[list[Ids]] = [[] for _ in range(rows)]
    lengths = [0] * rows
    for document in sorted(documents, key=len, reverse=True):
        place = lengths.index(min(lengths))
        found[place].append(document)
        lengths[place] += len(document)
    return found


def _fill(group: Sequence[Sequence[Ids]], layout: Layout) -> Rows:
    length = max(sum(map(len, row)) for row in group)
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
