"""The generator's work in pieces that separate processes can do: a cell each, pure, the same in every process.

What a piece gives first it gives again when more is wanted: `make(..., n)` is the beginning of `make(..., n + 1)`.
"""

import hashlib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache

from ryot.plugins import Document
from ryot.stages.data.generator.catalog import TEMPLATES
from ryot.stages.data.generator.composition import KINDS, Timetable, able
from ryot.stages.data.generator.example import Cell, Kind, judge
from ryot.stages.data.generator.problem import DIFFICULTIES
from ryot.stages.data.stage import GeneratorSource


@dataclass(frozen=True, slots=True)
class Unit:
    """One cell of a source, by its place in the fixed order of cells."""

    index: int
    name: str


@dataclass(slots=True)
class Made:
    """What a cell gave: documents in order with the keys of their questions, how many answers were checked and how many refused.

    `refused` counts the draws that gave no document, by kind and reason. `dry` says that the cell has no more.
    """

    documents: list[Document] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    checked: int = 0
    wrong: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    dry: bool = False


def cells_of(source: GeneratorSource) -> tuple[Cell, ...]:
    """The cells that a source asks for: every template of its domains and reasoning types at each of its difficulties."""
    return _cells(source.domains, source.reasoning, source.difficulties)


def units(source: GeneratorSource) -> tuple[Unit, ...]:
    """One unit a cell, in a fixed order."""
    return tuple(Unit(index, cell.name) for index, cell in enumerate(cells_of(source)))


def make(source: GeneratorSource, seed: int, index: int, wanted: int, without: Collection[str] = ()) -> Made:
    """The first `wanted` examples of a source's index-th cell, or as many as there are. `without` are keys of questions to leave out."""
    stream = Stream(source, seed, index, without)
    stream.take(wanted)
    return stream.made


def key_of(question: object) -> str:
    """What makes two examples the same: 16 hexadecimal digits of the SHA-256 of the question."""
    return hashlib.sha256(str(question).encode()).hexdigest()[:16]


class Stream:
    """A cell's examples, unique by question, until so many draws in a row brought none that another is all but impossible."""

    def __init__(self, source: GeneratorSource, seed: int, index: int, without: Collection[str] = ()) -> None:
        self._cell, self._index, self._seed = cells_of(source)[index], index, seed
        self._bases = source.composition.get("base", 0) > 0
        self._timetable = _timetable(source.domains, source.reasoning, source.difficulties, tuple(source.composition.items()))
        self._seen = set(without)
        self._next = dict.fromkeys(KINDS, 0)
        self._found = dict.fromkeys(KINDS, 0)
        self._spent: set[str] = set()
        self.made = Made()

    def take(self, wanted: int) -> None:
        """Go on until there are so many documents or the cell has run dry."""
        while len(self.made.documents) < wanted and not self.made.dry:
            planned = self._timetable.kind(self._index, len(self.made.documents))
            document = None if planned is None else self._document(KINDS[planned])
            if document is None and self._bases and planned != "base":
                document = self._document(KINDS["base"])
            if document is None:
                self.made.dry = True
            else:
                self.made.documents.append(document)

    def _document(self, kind: Kind) -> Document | None:
        """The next new example of a kind. With u found of u + 1 equally likely, 8 (u + 1) draws miss the last with a chance of exp(-8).

        For a kind that varies others the search ends sooner: the cell goes on with another kind.
        """
        if kind.name in self._spent:
            return None
        rounds = 8 if kind.name == "base" else 2
        for _ in range(rounds * (self._found[kind.name] + 1) + 40):
            document = self._draw(kind)
            if document is not None:
                self._found[kind.name] += 1
                return document
        self._spent.add(kind.name)
        return None

    def _draw(self, kind: Kind) -> Document | None:
        made, number = self.made, self._next[kind.name]
        self._next[kind.name] += 1
        variant = kind.make(self._seed, self._cell, number)
        if isinstance(variant, str):
            made.refused[f"{kind.name}: {variant}"] += 1
            return None
        key = key_of(variant.problem.question)
        if key in self._seen:
            made.refused[f"{kind.name}: seen before"] += 1
            return None
        drawn = judge(variant, self._cell, kind.name)
        made.checked += 1
        made.wrong += not drawn.right
        if drawn.document is None:
            made.refused[f"{kind.name}: {drawn.refused}"] += 1
            return None
        self._seen.add(key)
        made.keys.append(key)
        return drawn.document


@lru_cache(maxsize=64)
def _cells(domains: tuple[str, ...], reasoning: tuple[str, ...], difficulties: tuple[str, ...]) -> tuple[Cell, ...]:
    return tuple(
        Cell(template, level)
        for template in TEMPLATES
        for level, difficulty in enumerate(DIFFICULTIES)
        if template.domain in (domains or (template.domain,))
        and template.reasoning in (reasoning or (template.reasoning,))
        and difficulty in (difficulties or (difficulty,))
    )


@lru_cache(maxsize=64)
def _timetable(
    domains: tuple[str, ...], reasoning: tuple[str, ...], difficulties: tuple[str, ...], shares: tuple[tuple[str, float], ...]
) -> Timetable:
    # A composition of base examples alone needs no probing of what else the cells can make.
    probed = any(share > 0 for kind, share in shares if kind != "base")
    cells = _cells(domains, reasoning, difficulties)
    return Timetable(dict(shares), [able(cell) if probed else frozenset(("base",)) for cell in cells])
