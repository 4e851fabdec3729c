"""Adversarial: something that must not change the answer, an idle number before the question or a wrong suggestion after it."""

import re
from dataclasses import replace
from random import Random

from ryot.stages.data.generator.example import Cell, Kind, Variant, base
from ryot.stages.data.generator.problem import Problem

IDLE = (
    "Page {} is stained.",
    "Room {} is quiet.",
    "Bus {} is late.",
    "Shelf {} is empty.",
    "Exercise {} reads:",
    "Desk {} is free.",
)
"""Sentences about what no problem is about. One whose words stand in the question is not used."""
SAYS = ("A classmate says: {}.", "Someone guesses: {}.", "A friend claims: {}.")


def make(seed: int, cell: Cell, index: int) -> Variant | str:
    """The index-th base problem of a cell with a distractor; its check still reads the question without it."""
    variant = base(seed, cell, index)
    problem, rng = variant.problem, variant.rng
    question = _suggested(rng, problem, cell) if rng.random() < 0.5 else _idle(rng, problem.question)
    if question is None:
        return "no distractor fits"
    return Variant(replace(problem, question=question), variant.asked, rng, {"without_distractor": problem.question})


def _suggested(rng: Random, problem: Problem, cell: Cell) -> str | None:
    wrong = [candidate for candidate in problem.wrong[:4] if candidate != problem.answer]
    if not wrong:
        return None
    candidate = rng.choice(wrong)
    return None if cell.template.check(problem.question, candidate) else f"{problem.question} {rng.choice(SAYS).format(candidate)}"


def _idle(rng: Random, question: str) -> str | None:
    sentence, number = rng.choice(IDLE), rng.randint(11, 99)
    shared = set(re.findall(r"[a-z]{3,}", sentence.lower())) & set(re.findall(r"[a-z]{3,}", question.lower()))
    return None if shared or str(number) in question else f"{sentence.format(number)} {question}"


ADVERSARIAL = Kind("adversarial", make)
