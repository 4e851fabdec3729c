"""As many unique examples as asked, shared evenly over the cells. A cell that runs dry hands its share on; it never loops for ever."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ryot.plugins import Document, NodeError
from ryot.stages.data.generator.catalog import TEMPLATES
from ryot.stages.data.generator.example import Cell, draw
from ryot.stages.data.generator.problem import DIFFICULTIES
from ryot.stages.data.stage import GeneratorSource


@dataclass(slots=True)
class Generated:
    """The documents in the order of the rounds over the cells, how many draws were checked, and how many the check refused."""

    documents: list[Document] = field(default_factory=list)
    checked: int = 0
    wrong: int = 0


def cells_of(source: GeneratorSource) -> tuple[Cell, ...]:
    """The cells that a source asks for: every template of its domains and reasoning types at each of its difficulties."""
    return tuple(
        Cell(template, level)
        for template in TEMPLATES
        for level, difficulty in enumerate(DIFFICULTIES)
        if template.domain in (source.domains or (template.domain,))
        and template.reasoning in (source.reasoning or (template.reasoning,))
        and difficulty in (source.difficulties or (difficulty,))
    )


def generate(source: GeneratorSource, seed: int, report: Callable[..., None]) -> Generated:
    """`source.examples` documents with unique questions. Raises NodeError, with the number there are, when the cells give fewer."""
    cells = cells_of(source)
    if not cells:
        raise NodeError("no template covers the domains, reasoning types and difficulties asked for", hint=_covered())
    made, seen = Generated(), set[str]()
    streams = [_unique(seed, cell, seen, made) for cell in cells]
    while streams and len(made.documents) < source.examples:
        for stream in tuple(streams):
            document = next(stream, None)
            if document is None:
                streams.remove(stream)
            elif len(made.documents) < source.examples:
                made.documents.append(document)
        report(done=len(made.documents), total=source.examples, unit="examples")
    if len(made.documents) < source.examples:
        message = f"{len(cells)} cells give {len(made.documents):,} unique examples; {source.examples:,} were asked for"
        raise NodeError(message, hint="ask for fewer, or for more domains, reasoning types or difficulties")
    return made


def _unique(seed: int, cell: Cell, seen: set[str], made: Generated) -> Iterator[Document]:
    """A cell's documents with new questions, until so many draws in a row brought none that another is all but impossible.

    With u found of u + 1 equally likely ones, 20 (u + 1) draws miss the last with a probability of exp(-20).
    """
    found, barren, index = 0, 0, 0
    while barren < 20 * (found + 1) + 100:
        drawn = draw(seed, cell, index)
        index += 1
        made.checked += 1
        made.wrong += not drawn.right
        if drawn.document is None or drawn.question in seen:
            barren += 1
            continue
        seen.add(drawn.question)
        found, barren = found + 1, 0
        yield drawn.document


def _covered() -> str:
    pairs = sorted({f"{template.domain} ({template.reasoning})" for template in TEMPLATES})
    return "there are " + ", ".join(pairs)
