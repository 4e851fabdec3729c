"""What was made, in numbers: plain JSON data, counted by each worker for its cells and merged. And the corpus as a file a domain."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ryot.stages.data.generator.problem import numbers
from ryot.stages.data.records import Document

GROUPS = ("domain", "reasoning", "difficulty", "kind")
_PARTS = ("domain", "reasoning", "difficulty", "template", "kind")
_ADDED = ("documents", "characters", "steps", "questions", "answers", "numeric")
_LARGEST = ("longest", "most_steps")


def count(documents: Iterable[Document], refused: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Counts of generated documents, a row for each cell and kind, and of draws refused by reason. Others are passed over.

    A row's `questions` and `answers` are distinct within the row; `numeric` are answers that hold a number.
    """
    grouped: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        if all(part in document.meta for part in _PARTS):
            grouped["/".join(str(document.meta[part]) for part in _PARTS)].append(document)
    return {"rows": {name: _row(group) for name, group in sorted(grouped.items())}, "refused": dict(sorted((refused or {}).items()))}


def merge(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The counts of several workers as one. Raises ValueError where two counted the same row: distinct questions do not add up then."""
    rows: dict[str, Any] = {}
    refused: Counter[str] = Counter()
    for part in parts:
        if twice := rows.keys() & part["rows"].keys():
            raise ValueError(f"{min(twice)} was counted by two workers; a cell belongs to one")
        rows.update(part["rows"])
        refused.update(part["refused"])
    return {"rows": dict(sorted(rows.items())), "refused": dict(sorted(refused.items()))}


def summary(counts: Mapping[str, Any]) -> dict[str, Any]:
    """All together, and for each domain, reasoning type, difficulty and kind: documents, means, longest, distinct, numeric share."""
    rows = [(dict(zip(_PARTS, name.split("/"), strict=True)), row) for name, row in counts["rows"].items()]
    found: dict[str, Any] = {"all": _summed([row for _, row in rows]), "refused": counts["refused"]}
    for group in GROUPS:
        names = sorted({parts[group] for parts, _ in rows})
        found[group] = {name: _summed([row for parts, row in rows if parts[group] == name]) for name in names}
    cells = {tuple(parts[part] for part in ("domain", "reasoning", "difficulty")) for parts, _ in rows}
    return {**found, "cells": len(cells)}


def by_domain(documents: Iterable[Document]) -> Iterator[tuple[str, str]]:
    """The generated documents as text, a file a domain: (`computer-science.txt`, its text), one domain's text in memory at a time."""
    grouped: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        if "domain" in document.meta:
            grouped[str(document.meta["domain"])].append(document)
    for domain in sorted(grouped):
        yield f"{domain.replace(' ', '-')}.txt", "".join(f"{document.text}\n" for document in grouped[domain])


def _row(documents: list[Document]) -> dict[str, int]:
    steps = [len(steps) for document in documents if isinstance(steps := document.meta["steps"], list)]
    return {
        "documents": len(documents),
        "characters": sum(len(document.text) for document in documents),
        "longest": max(len(document.text) for document in documents),
        "steps": sum(steps),
        "most_steps": max(steps),
        "questions": len({document.meta["question"] for document in documents}),
        "answers": len({document.meta["answer"] for document in documents}),
        "numeric": sum(bool(numbers(str(document.meta["answer"]))) for document in documents),
    }


def _summed(rows: list[Mapping[str, int]]) -> dict[str, float]:
    added = {name: sum(row[name] for row in rows) for name in _ADDED}
    largest = {name: max((row[name] for row in rows), default=0) for name in _LARGEST}
    documents = max(added["documents"], 1)
    return {
        "documents": added["documents"],
        "mean_characters": round(added["characters"] / documents, 1),
        "longest": largest["longest"],
        "mean_steps": round(added["steps"] / documents, 2),
        "most_steps": largest["most_steps"],
        "distinct_questions": added["questions"],
        "distinct_answers": added["answers"],
        "numeric_answers": round(added["numeric"] / documents, 4),
    }
