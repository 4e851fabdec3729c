"""One example as a pure function of (seed, cell, index): a template's problem, checked, with choices, as a short document."""

from dataclasses import dataclass
from random import Random

from ryot.plugins import Document
from ryot.stages.data.generator.problem import DIFFICULTIES, Problem, Template

BANDS = ((0.85, 0.95), (0.75, 0.85), (0.65, 0.75), (0.55, 0.65))
"""The confidence to state at each difficulty."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One template at one difficulty (0 to 3)."""

    template: Template
    level: int

    @property
    def name(self) -> str:
        """A stable name: it seeds the cell's examples."""
        return f"{self.template.domain}/{self.template.reasoning}/{self.template.name}/{DIFFICULTIES[self.level]}"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A draw: its question, whether the independent check agreed with its answer, and the document if it may be emitted."""

    question: str
    right: bool
    document: Document | None


def draw(seed: int, cell: Cell, index: int) -> Drawn:
    """The index-th draw of a cell, the same in every process. Draws may repeat each other; `generate` keeps the first."""
    rng = Random(f"{seed}|{cell.name}|{index}")  # noqa: S311 - reproducible, not secret
    problem = cell.template.make(rng, cell.level)
    right = cell.template.check(problem.question, problem.answer)
    low, high = BANDS[cell.level]
    confidence = rng.randint(round(low * 100), round(high * 100)) / 100
    choices = _choices(rng, problem, cell.template)
    if not right or len(choices) != 4 or not sound(problem, confidence, cell.level):
        return Drawn(problem.question, right, None)
    return Drawn(problem.question, right, _document(problem, cell, confidence, choices))


def sound(problem: Problem, confidence: float, level: int) -> bool:
    """The checks of quality: lengths, number of steps, the confidence's band, a verification that is there."""
    low, high = BANDS[level]
    return (
        10 <= len(problem.question) <= 500
        and 3 <= len(problem.steps) <= 15
        and all(step.strip() for step in problem.steps)
        and len(problem.answer) > 5
        and low <= confidence <= high
        and bool(problem.verification.strip())
    )


def _choices(rng: Random, problem: Problem, template: Template) -> list[str]:
    """The answer and the first three candidates that the check refuses, shuffled; fewer where there are not three."""
    wrong: list[str] = []
    for candidate in problem.wrong:
        if len(wrong) < 3 and candidate not in (problem.answer, *wrong) and not template.check(problem.question, candidate):
            wrong.append(candidate)
    choices = [problem.answer, *wrong]
    rng.shuffle(choices)
    return choices


def _document(problem: Problem, cell: Cell, confidence: float, choices: list[str]) -> Document:
    template, difficulty = cell.template, DIFFICULTIES[cell.level]
    steps = "".join(f"Step {number}: {step}\n" for number, step in enumerate(problem.steps, start=1))
    text = (
        f"Q: {problem.question}\nReasoning:\n{steps}A: {problem.answer}\nConfidence: {confidence:.2f}\n"
        f"Verification: {problem.verification}\nTags: [{template.domain}, {template.reasoning}, {difficulty}, {template.name}]\n---"
    )
    meta: dict[str, object] = {
        "domain": template.domain,
        "reasoning": template.reasoning,
        "difficulty": difficulty,
        "template": template.name,
        "question": problem.question,
        "answer": problem.answer,
        "choices": choices,
        "confidence": confidence,
        "steps": list(problem.steps),
        "verification": problem.verification,
    }
    return Document.of(text, meta)
