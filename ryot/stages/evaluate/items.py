"""What the model is asked: items of multiple choice and documents to score, from held-out documents or a text file. Deterministic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ryot.plugins import NodeError
from ryot.stages.data.records import Broken
from ryot.stages.data.sources import read_files
from ryot.stages.data.stage import FileSource

Item = dict[str, object]


def reasoning_items(documents: Path, limit: int | None) -> list[Item]:
    """Multiple choice: the question alone, without the steps that lead to the answer. Raises NodeError when there are none."""
    found = (item for item in map(_choice_item, _held_out(documents)) if item is not None)
    items = list(islice(found, limit))
    if not items:
        raise NodeError("no held-out document is a generated example, so there is nothing to reason about")
    return items


def perplexity_items(documents: Path, text: FileSource | None, limit: int | None) -> list[Item]:
    """Documents to score, from the held-out split or from `text`. Raises NodeError when there are none, or the file changed."""
    source = _held_out(documents) if text is None else _text(text)
    items = [{"id": line["id"], "text": line["text"]} for line in islice(source, limit)]
    if not items:
        raise NodeError("there is no document to measure perplexity on")
    return items


def as_lines(items: list[Item]) -> str:
    """The items as JSON lines."""
    return "".join(json.dumps(item, sort_keys=True, ensure_ascii=False) + "\n" for item in items)


def _held_out(documents: Path) -> Iterator[Item]:
    with (documents / "heldout.jsonl").open(encoding="utf-8") as file:
        for line in file:
            document = json.loads(line)
            assert isinstance(document, dict)
            yield document


def _choice_item(document: Item) -> Item | None:
    meta = document.get("meta")
    if not isinstance(meta, dict) or not {"question", "choices", "answer"} <= set(meta):
        return None
    label = meta["choices"].index(meta["answer"])
    return {"id": document["id"], "prompt": f"Q: {meta['question']}\nA:", "choices": list(meta["choices"]), "label": label}


def _text(source: FileSource) -> Iterator[Item]:
    for record in read_files(source):
        if isinstance(record, Broken):
            raise NodeError(f"the text to evaluate on is broken: {record}")
        yield {"id": record.id, "text": record.text}
