"""What the model is asked: items of multiple choice and documents to score, from held-out documents or a text file. Deterministic."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import attrgetter
from pathlib import Path

from ryot.plugins import Document, Documents, NodeError
from ryot.stages.data.records import Broken
from ryot.stages.data.sources import read_files
from ryot.stages.data.stage import FileSource

Item = dict[str, object]
QUESTION = {"question", "choices", "answer"}
"""What the meta of a generated example has."""
DIFFICULTY = "difficulty"
"""What it may have beside: elementary, intermediate, advanced or expert."""


def reasoning_items(documents: Path, limit: int | None) -> list[Item]:
    """Multiple choice: the question alone, without the steps that lead to the answer. Raises NodeError when there are none."""
    asked = (document for document in Documents(documents).split("heldout") if set(document.meta) >= QUESTION)
    items = [_choice_item(document) for document in _first(asked, limit)]
    if not items:
        raise NodeError("no held-out document is a generated example, so there is nothing to reason about")
    return items


def written_items(documents: Path, limit: int | None) -> list[Item]:
    """Questions to which the steps and the answer are to be written; `answer` is the right one. Raises NodeError when there are none."""
    asked = (document for document in Documents(documents).split("heldout") if set(document.meta) >= QUESTION)
    items = [_written_item(document) for document in _first(asked, limit)]
    if not items:
        raise NodeError("no held-out document is a generated example, so there is no question to answer")
    return items


def perplexity_items(documents: Path, text: FileSource | None, limit: int | None) -> list[Item]:
    """Documents to score, from the held-out split or from `text`. Raises NodeError when there are none, or the file changed."""
    source = _first(Documents(documents).split("heldout"), limit) if text is None else islice(_text(text), limit)
    items: list[Item] = [{"id": document.id, "text": document.text} for document in source]
    if not items:
        raise NodeError("there is no document to measure perplexity on")
    return items


def as_lines(items: list[Item]) -> str:
    """The items as JSON lines."""
    return "".join(json.dumps(item, sort_keys=True, ensure_ascii=False) + "\n" for item in items)


def _first(documents: Iterable[Document], limit: int | None) -> list[Document]:
    """The first by their ids, which are as good as random: what is asked does not depend on the order of the sources."""
    if limit is None:
        return sorted(documents, key=attrgetter("id"))
    return heapq.nsmallest(limit, documents, key=attrgetter("id"))


def _choice_item(document: Document) -> Item:
    choices = document.meta["choices"]
    assert isinstance(choices, list)
    label = choices.index(document.meta["answer"])
    asked: Item = {"id": document.id, "prompt": f"Q: {document.meta['question']}\nA:", "choices": choices, "label": label}
    return asked | ({DIFFICULTY: document.meta[DIFFICULTY]} if DIFFICULTY in document.meta else {})


def _written_item(document: Document) -> Item:
    asked: Item = {"id": document.id, "prompt": f"Q: {document.meta['question']}\nReasoning:\n", "answer": document.meta["answer"]}
    return asked | ({DIFFICULTY: document.meta[DIFFICULTY]} if DIFFICULTY in document.meta else {})


def _text(source: FileSource) -> Iterator[Document]:
    for record in read_files(source):
        if isinstance(record, Broken):
            raise NodeError(f"the text to evaluate on is broken: {record}")
        yield record
