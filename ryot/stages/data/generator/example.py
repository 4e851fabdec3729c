"""One example as a pure function of (seed, cell, kind, index): a problem, checked, with choices, as a short document."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
class Variant:
    """A problem as a kind shows it, and the question that its template's check reads. `rng` goes on to mix the choices.

    The two questions differ where a kind reworded one or added to it. `origin` goes into the document's meta.
    """

    problem: Problem
    asked: str
    rng: Random
    origin: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of example. `make(seed, cell, index)` gives its index-th problem for a cell, or says why there is none."""

    name: str
    make: Callable[[int, Cell, int], Variant | str]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A draw: its question, whether the check agreed with its answer, the document if it may be emitted, else why not."""

    question: str
    right: bool
    document: Document | None
    refused: str = ""


def random_of(seed: int, cell: Cell, index: int) -> Random:
    """The source of randomness of a cell's index-th base draw. Kinds that vary that draw begin with the same one."""
    return Random(f"{seed}|{cell.name}|{index}")  # noqa: S311 - reproducible, not secret


def base(seed: int, cell: Cell, index: int) -> Variant:
    """The index-th problem of a cell as its template gives it."""
    rng = random_of(seed, cell, index)
    problem = cell.template.make(rng, cell.level)
    return Variant(problem, problem.question, rng)


BASE = Kind("base", base)


def draw(seed: int, cell: Cell, index: int, kind: Kind = BASE) -> Drawn:
    """The index-th draw of a kind in a cell, the same in every process. Draws may repeat each other; a Stream keeps the first."""
    variant = kind.make(seed, cell, index)
    return Drawn("", True, None, variant) if isinstance(variant, str) else judge(variant, cell, kind.name)


def judge(variant: Variant, cell: Cell, kind: str) -> Drawn:
    """A variant checked: the document, or the reason why it must not be one."""
    problem, template = variant.problem, cell.template
    if not template.check(variant.asked, problem.answer):
        return Drawn(problem.question, False, None, "the check refuses the answer")
    low, high = BANDS[cell.level]
    confidence = variant.rng.randint(round(low * 100), round(high * 100)) / 100
    choices = _choices(variant, template)
    if len(choices) != 4:
        return Drawn(problem.question, True, None, "fewer than three wrong choices")
    if not sound(problem, confidence, cell.level):
        return Drawn(problem.question, True, None, "a bound of quality")
    return Drawn(problem.question, True, _document(variant, cell, kind, confidence, choices))


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


def _choices(variant: Variant, template: Template) -> list[str]:
    """The answer and the first three candidates that the check refuses, shuffled; fewer where there are not three."""
    wrong: list[str] = []
    answer = variant.problem.answer
    for candidate in variant.problem.wrong:
        if candidate != answer and candidate not in wrong and not template.check(variant.asked, candidate):
            wrong.append(candidate)
            if len(wrong) == 3:
                break
    choices = [answer, *wrong]
    variant.rng.shuffle(choices)
    return choices


def _document(variant: Variant, cell: Cell, kind: str, confidence: float, choices: list[str]) -> Document:
    problem, template, difficulty = variant.problem, cell.template, DIFFICULTIES[cell.level]
    steps = "".join(f"Step {number}: {step}\n" for number, step in enumerate(problem.steps, start=1))
    tags = f"{template.domain}, {template.reasoning}, {difficulty}, {kind}"
    text = (
        f"Q: {problem.question}\nReasoning:\n{steps}A: {problem.answer}\nConfidence: {confidence:.2f}\n"
        f"Verification: {problem.verification}\nTags: [{tags}]\n---"
    )
    meta: dict[str, object] = {
        "domain": template.domain,
        "reasoning": template.reasoning,
        "difficulty": difficulty,
        "template": template.name,
        "kind": kind,
        "question": problem.question,
        "answer": problem.answer,
        "choices": choices,
        "confidence": confidence,
        "steps": list(problem.steps),
        "verification": problem.verification,
        **variant.origin,
    }
    return Document.of(text, meta)
