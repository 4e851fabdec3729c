"""Wrong answers that look right: the worked answer to another problem of the same template, which the template's own check refuses."""

from ryot.plugins import Document
from ryot.stages.data.generator.example import Cell, draw
from ryot.stages.data.generator.units import cells_of
from ryot.stages.data.stage import GeneratorSource

DRAWS = 40
"""Draws in which another answer is looked for; most cells give one with the first."""
_SPREAD = 1 << 20


def cells_by_name() -> dict[str, Cell]:
    """Every cell of the catalogue by its name."""
    return {cell.name: cell for cell in cells_of(GeneratorSource(examples=1))}


def wrong_for(document: Document, seed: int, cells: dict[str, Cell]) -> Document | None:
    """An example of the same template and difficulty whose answer is wrong for this document's question, as the check proves: it accepts
    the document's own answer and refuses the other. None where no draw gives one."""
    meta = document.meta
    cell = cells[f"{meta['domain']}/{meta['reasoning']}/{meta['template']}/{meta['difficulty']}"]
    asked, answer = _asked(document), str(meta["answer"])
    if not cell.template.check(asked, answer):
        return None
    first = int(document.id, 16) % _SPREAD  # not the same wrong answer to every question of a cell
    for index in range(first, first + DRAWS):
        other = draw(seed, cell, index).document
        if other is not None and other.meta["answer"] != answer and not cell.template.check(asked, str(other.meta["answer"])):
            return other
    return None


def _asked(document: Document) -> str:
    """The question as the template's check reads it: before it was told in other words, or something idle was added."""
    meta = document.meta
    return str(meta.get("paraphrased_from") or meta.get("without_distractor") or meta["question"])
