"""Abductive riddles: which candidate explains all the clues? Rows have one value a column, so that a clue excludes for certain."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from ryot.stages.data.generator.problem import Problem

_CLUES = (1, 2, 2, 3)
_DENIED = (0, 0, 1, 1)


@dataclass(frozen=True, slots=True)
class Riddles:
    """A table of names with one value a column. `lead` opens the clues (`An animal is`), `form` the answer (`It is the {}`)."""

    lead: str
    form: str
    rows: Mapping[str, tuple[str, ...]]
    values: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]


def riddles(lead: str, rows: Mapping[str, tuple[str, ...]], form: str = "It is {}") -> Riddles:
    """The table with its columns' values in the order in which they first appear."""
    columns = zip(*rows.values(), strict=True)
    return Riddles(lead, form, rows, tuple(tuple(dict.fromkeys(column)) for column in columns), tuple(rows))


def explain(table: Riddles) -> Callable[[Random, int], Problem]:
    """One clue; two that are both needed; two of which one denies; three with a denial. Each excludes a candidate that the others left."""

    def make(rng: Random, level: int) -> Problem:
        found = None
        while found is None:
            found = _clued(table, rng, level)
        target, clues, candidates = found
        rng.shuffle(candidates)
        question = f"{table.lead} {', '.join(clues)}. Which: {', '.join(candidates[:-1])} or {candidates[-1]}?"
        steps, left = [], candidates
        for clue in clues:
            out = [name for name in left if not _fits(table, name, clue)]
            left = [name for name in left if name not in out]
            steps.append(f"{clue}: not {', '.join(out)}")
        if level == 0:
            steps = [f"{name}: {_value(table, name, clues[0])}" for name in candidates]
        elif level < 3:
            steps.append(f"left: {target}")
        others = [table.form.format(name) for name in candidates if name != target]
        wrong = (*others, "It is none of them", "It is all of them")
        return Problem(
            question,
            tuple(steps),
            table.form.format(target),
            wrong,
            f"{target}: {', '.join(_value(table, target, clue.removeprefix('not ')) for clue in clues)}",
        )

    return make


def check_explained(table: Riddles) -> Callable[[str, str], bool]:
    """From the answer's row back to the clues: it meets every one; and every other candidate's row fails one."""
    form = re.compile(re.escape(table.lead) + r" (.+)\. Which: (.+) or (.+)\?")

    def check(question: str, answer: str) -> bool:
        found = form.fullmatch(question)
        if not found:
            return False
        candidates = [*found[2].split(", "), found[3]]
        asked = [(clue.removeprefix("not "), not clue.startswith("not ")) for clue in found[1].split(", ")]
        fitting = [each for each in candidates if all((clue in table.rows[each]) == wanted for clue, wanted in asked)]
        return [table.form.format(name) for name in fitting] == [answer]

    return check


def _clued(table: Riddles, rng: Random, level: int) -> tuple[str, list[str], list[str]] | None:
    """A name, clues for it and the candidates; None when a clue would exclude nobody."""
    target = rng.choice(table.names)
    own = table.rows[target]
    left, clues, decoys = table.names, [], []
    for place, column in enumerate(rng.sample(range(len(own)), _CLUES[level])):
        denied = rng.choice([value for value in table.values[column] if value != own[column]]) if place < _DENIED[level] else None
        clue = own[column] if denied is None else f"not {denied}"
        out = [name for name in left if not _fits(table, name, clue)]
        needed = 2 if level == 0 else 1
        if len(out) < needed:
            return None
        clues.append(clue)
        decoys += rng.sample(out, needed)
        left = tuple(name for name in left if name not in out)
    return target, clues, [target, *decoys]


def _fits(table: Riddles, name: str, clue: str) -> bool:
    return clue[4:] not in table.rows[name] if clue.startswith("not ") else clue in table.rows[name]


def _value(table: Riddles, name: str, clue: str) -> str:
    column = next(place for place, values in enumerate(table.values) if clue in values)
    return table.rows[name][column]
