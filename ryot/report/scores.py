"""The evaluation as a table: each task's score beside chance, and accuracy by difficulty."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ryot.units import show

_SHARES = ("accuracy", "acc", "mc2", "exact_match", "pass_at_1")
"""The scores that are shares of items, by the names that scores.json has for them."""


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A task, or the items of a difficulty: its score, standard error and chance as shown, empty where there is none, and its items."""

    task: str
    score: str
    error: str
    chance: str
    shots: str
    items: str


def rows_of_scores(scores: Mapping[str, Any]) -> list[ScoreRow]:
    """A row for each task whose score is a share, in order; perplexities stand among the measures. `scores`: the stage's scores.json."""
    return [row for task, found in sorted(scores.items()) for row in _rows(task, found)]


def _rows(task: str, found: Mapping[str, Any]) -> Iterator[ScoreRow]:
    score = next((found[name] for name in _SHARES if name in found), None)
    if score is None:
        return
    told = [show(found[name], "proportion") if found.get(name) is not None else "" for name in ("standard_error", "chance")]
    yield ScoreRow(task, show(score, "proportion"), told[0], told[1], str(found.get("shots", 0)), f"{found['items']:,}")
    for name, part in found.get("by_difficulty", {}).items():
        yield ScoreRow(f"{task}, {name}", show(part["accuracy"], "proportion"), "", "", "", f"{part['items']:,}")
