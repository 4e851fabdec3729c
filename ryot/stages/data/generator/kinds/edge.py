"""Edge: parameters at the ends of their ranges, by a source of randomness that mostly gives first and last values."""

from collections.abc import Sequence
from random import Random
from typing import Any, TypeVar

from ryot.stages.data.generator.example import Cell, Kind, Variant

_T = TypeVar("_T")
_CALLS = 60
"""After so many values a template looks for a combination that the ends do not have: from there on values are ordinary."""
_SHARE = 0.75


class EdgeRandom(Random):
    """Gives ends: of a range its first or last value, of a sequence its first or last element. Mostly: three times in four.

    `random()` and `shuffle` are ordinary. `ends` counts the end values given.
    """

    def __init__(self, seed: str) -> None:
        super().__init__(seed)
        self.left, self.ends = _CALLS, 0

    def randrange(self, start: int, stop: int | None = None, step: int = 1) -> int:
        """The first or last value of the range, mostly. `randint` calls this."""
        values = range(0, start, step) if stop is None else range(start, stop, step)
        return self._end(values) if values and self._at_the_end() else super().randrange(values.start, values.stop, values.step)

    def choice(self, seq: Sequence[_T]) -> _T:  # type: ignore[override]
        """The first or last element, mostly."""
        return self._end(seq) if seq and self._at_the_end() else super().choice(seq)

    def sample(self, population: Sequence[_T], k: int, **counts: Any) -> list[_T]:
        """k of the outermost elements, a sixth of all at either end or just enough, mostly."""
        outer = max((k + 1) // 2, len(population) // 6)
        if counts or 2 * outer >= len(population) or not self._at_the_end():
            return super().sample(population, k, **counts)
        self.ends += 1
        return super().sample([*population[:outer], *population[-outer:]], k)

    def _at_the_end(self) -> bool:
        self.left -= 1
        return self.left >= 0 and self.random() < _SHARE

    def _end(self, values: Sequence[_T]) -> _T:
        self.ends += 1
        return values[-(self.random() < 0.5)]


def make(seed: int, cell: Cell, index: int) -> Variant | str:
    """The index-th problem of a cell at the ends of its parameters."""
    rng = EdgeRandom(f"{seed}|edge|{cell.name}|{index}")
    problem = cell.template.make(rng, cell.level)
    if not rng.ends:
        return "no parameter at its end"
    ends, rng.left = rng.ends, 0
    return Variant(problem, problem.question, rng, {"ends": ends})


EDGE = Kind("edge", make)
