"""What was made, in numbers: all together, and for each domain, reasoning type, difficulty and kind. Plain JSON data."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ryot.plugins import Document
from ryot.stages.data.generator.problem import numbers

GROUPS = ("domain", "reasoning", "difficulty", "kind")


@dataclass(slots=True)
class _Row:
    """The counts of one group. Questions and answers are told apart by a hash of 64 bits."""

    documents: int = 0
    characters: int = 0
    longest: int = 0
    steps: int = 0
    most_steps: int = 0
    numeric: int = 0
    questions: set[int] = field(default_factory=set)
    answers: set[int] = field(default_factory=set)

    def add(self, document: Document) -> None:
        """Count a document."""
        steps, answer = document.meta["steps"], str(document.meta["answer"])
        assert isinstance(steps, list)
        self.documents += 1
        self.characters += len(document.text)
        self.longest = max(self.longest, len(document.text))
        self.steps += len(steps)
        self.most_steps = max(self.most_steps, len(steps))
        self.numeric += bool(numbers(answer))
        self.questions.add(hash(document.meta["question"]))
        self.answers.add(hash(answer))

    def told(self) -> dict[str, float]:
        """The counts and means; `numeric_answers` is the share of the answers that hold a number."""
        documents = max(self.documents, 1)
        return {
            "documents": self.documents,
            "mean_characters": round(self.characters / documents, 1),
            "longest": self.longest,
            "mean_steps": round(self.steps / documents, 2),
            "most_steps": self.most_steps,
            "distinct_questions": len(self.questions),
            "distinct_answers": len(self.answers),
            "numeric_answers": round(self.numeric / documents, 4),
        }


def statistics(documents: Iterable[Document]) -> dict[str, Any]:
    """The statistics of generated documents, each group's in the order of the names."""
    rows: dict[str, dict[str, _Row]] = {group: {} for group in GROUPS}
    whole = _Row()
    for document in documents:
        whole.add(document)
        for group in GROUPS:
            rows[group].setdefault(str(document.meta[group]), _Row()).add(document)
    return {"all": whole.told(), **{group: {name: row.told() for name, row in sorted(found.items())} for group, found in rows.items()}}
