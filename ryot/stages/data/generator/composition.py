"""Which kind of example each cell makes at each place, so that all cells together keep the composition asked for.

A cell makes only kinds that it can: not every question has other words, not every formula a partner in another domain.
"""

from collections.abc import Mapping, Sequence
from functools import cache

from ryot.stages.data.generator.example import BASE, Cell, Kind, draw
from ryot.stages.data.generator.kinds.adversarial import ADVERSARIAL
from ryot.stages.data.generator.kinds.edge import EDGE
from ryot.stages.data.generator.kinds.paraphrased import PARAPHRASED
from ryot.stages.data.generator.kinds.scaled import SCALED
from ryot.stages.data.generator.kinds.transferred import TRANSFERRED

KINDS: dict[str, Kind] = {kind.name: kind for kind in (BASE, PARAPHRASED, SCALED, TRANSFERRED, ADVERSARIAL, EDGE)}
_PROBES = 8
_PROBE_SEED = 0
"""What a cell can make is a property of its template: it does not depend on the seed asked for."""


class Timetable:
    """The kinds of all cells' examples, place after place. What stands at a place does not depend on how many are asked for.

    Place by place every cell takes the kind, of those it can make, that is furthest behind its share; so after every place
    each kind's count is within one of its share, as long as the cells that can make it have room. Each round begins at
    another cell, lest a cell fall into step with a kind.
    """

    def __init__(self, shares: Mapping[str, float], able: Sequence[frozenset[str]]) -> None:
        self._shares = {kind: share for kind, share in shares.items() if share > 0}
        self._able = [tuple(kind for kind in self._shares if kind in kinds) for kinds in able]
        self._made = dict.fromkeys(self._shares, 0)
        self._total = 0
        self._rounds: list[list[str | None]] = []

    def kind(self, cell: int, place: int) -> str | None:
        """The kind at a place of a cell; None where the cell can make none of the kinds asked for."""
        while len(self._rounds) <= place:
            self._rounds.append(self._round(len(self._rounds)))
        return self._rounds[place][cell]

    def _round(self, number: int) -> list[str | None]:
        cells = len(self._able)
        first = number * max(1, round(cells * 0.382))
        kinds: list[str | None] = [None] * cells
        for step in range(cells):
            cell = (first + step) % cells
            if self._able[cell]:
                kinds[cell] = self._next(self._able[cell])
        return kinds

    def _next(self, able: tuple[str, ...]) -> str:
        self._total += 1
        chosen = max(able, key=lambda kind: self._shares[kind] * self._total - self._made[kind])
        self._made[chosen] += 1
        return chosen


@cache
def able(cell: Cell) -> frozenset[str]:
    """The kinds that a cell can make: of a few draws at least half gave an example, each with a question of its own."""
    return frozenset(name for name, kind in KINDS.items() if kind is BASE or _gives(cell, kind))


def _gives(cell: Cell, kind: Kind) -> bool:
    given: set[str] = set()
    for index in range(_PROBES):
        drawn = draw(_PROBE_SEED, cell, index, kind)
        given |= {drawn.question} if drawn.document is not None else set()
        if len(given) * 2 >= _PROBES:
            return True
        if (len(given) + _PROBES - 1 - index) * 2 < _PROBES:
            return False
    return False
