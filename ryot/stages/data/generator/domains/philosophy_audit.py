"""Philosophy: arguments to audit: conditional forms and their fallacies, disjunctions and terms, and the line of a proof that fails."""

import re
from collections.abc import Mapping
from itertools import pairwise, product
from random import Random

from ryot.stages.data.generator.problem import Problem, Template

_NAMES = ("Ann", "Bob", "Cal", "Dora", "Eve", "Finn", "Gus", "Hal", "Ida", "Jon", "Kim", "Lea", "Max", "Ned")
_TRAITS = (
    "calm", "poor", "free", "just", "wise", "happy", "fair", "kind", "brave", "honest", "patient", "generous", "pious",
)  # fmt: skip
# Premises and conclusion over "A", "B" and "C"; - denies. The middle two of the conditional forms are fallacies.
_CONDITIONAL = (
    ("modus ponens", "If A, B", "A", "B"), ("modus tollens", "If A, B", "-B", "-A"),
    ("affirming the consequent", "If A, B", "B", "A"), ("denying the antecedent", "If A, B", "-A", "-B"),
)  # fmt: skip
_OTHERS = (
    ("disjunctive syllogism", "A or B", "-A", "B"), ("disjunctive syllogism", "A or B", "-B", "A"),
    ("affirming a disjunct", "A or B", "A", "-B"), ("affirming a disjunct", "A or B", "B", "-A"),
    ("hypothetical syllogism", "If A, B", "If B, C", "If A, C"), ("converse conditional", "If A, B", "If B, C", "If C, A"),
    ("contraposition", "If A, B", "If B, C", "If -C, -A"), ("improper negation", "If A, B", "If B, C", "If -A, -C"),
)  # fmt: skip
VALID = ("modus ponens", "modus tollens", "disjunctive syllogism", "hypothetical syllogism", "contraposition")
FALLACIES = ("affirming the consequent", "denying the antecedent", "affirming a disjunct", "converse conditional", "improper negation")


def fallacy(rng: Random, level: int) -> Problem:
    """A conditional argument; one with a disjunction or two conditionals; the line of three that fails; the same with more premises."""
    if level > 1:
        return _proof(rng, level + 2)
    name, *forms = rng.choice(_CONDITIONAL if level == 0 else _OTHERS)
    words = dict(zip("ABC", rng.sample(_TRAITS, 3), strict=True))
    told = "; ".join(_worded(form, words) for form in forms[:2])
    answer = _verdict(name)
    valid = name in VALID
    rows = _counterexample(forms)
    shown = "" if rows is None else ", ".join(f"{'' if rows[letter] else 'not '}{words[letter]}" for letter in sorted(rows))
    steps = (
        f"form: {'; '.join(form.replace('-', 'not ') for form in forms)}",
        "no case against it" if valid else f"against it: {shown}",
        f"it is {name}",
    )
    pool = [other for other, *_ in (*_CONDITIONAL, *_OTHERS)]
    pool = sorted(set(pool) - {name}, key=lambda other: (abs(_place(other) - _place(name)), other))
    wrong = tuple(_verdict(other) for other in pool)
    back = "deny the end: a premise fails" if valid else "there the premises hold, the end fails"
    return Problem(f"{rng.choice(_NAMES)}: {told}; so {_worded(forms[2], words)}. Valid?", steps, answer, wrong, back)


def _place(name: str) -> int:
    return [form for form, *_ in (*_CONDITIONAL, *_OTHERS)].index(name)


def _verdict(name: str) -> str:
    return f"{'valid' if name in VALID else 'invalid'}: {name}"


def _worded(form: str, words: Mapping[str, str]) -> str:
    parts = [f"{'not ' if minus else ''}{words[letter]}" for minus, letter in re.findall(r"(-?)([ABC])", form)]
    if form.startswith("If"):
        return f"if {parts[0]}, then {parts[1]}"
    return f"{' or '.join(parts)}{' or both' if len(parts) > 1 else ''}"


def _counterexample(forms: list[str]) -> dict[str, bool] | None:
    letters = sorted(set(re.findall("[ABC]", "".join(forms))))
    for row in product((True, False), repeat=len(letters)):
        values = dict(zip(letters, row, strict=True))
        if all(_true(form, values) for form in forms[:2]) and not _true(forms[2], values):
            return values
    return None


def _true(form: str, values: Mapping[str, bool]) -> bool:
    parts = [values[letter] != bool(minus) for minus, letter in re.findall(r"(-?)([ABC])", form)]
    return (not parts[0] or parts[1]) if form.startswith("If") else any(parts)


def _proof(rng: Random, size: int) -> Problem:
    """A chain of conditionals on literals and one literal as a fact; of three lines at most one does not follow."""
    letters = rng.sample("PQRSTUVW", size)
    chain = [rng.choice(("", "not ")) + letter for letter in letters]
    place, onward = rng.randrange(1, size - 1), rng.random() < 0.5
    fact = chain[place] if onward else _denied(chain[place])
    follows = [*chain[place + 1 :]] if onward else [_denied(literal) for literal in chain[:place]]
    open_ends = chain[:place] if onward else [_denied(literal) for literal in chain[place + 1 :]]
    strange = rng.choice([*open_ends, *(_denied(literal) for literal in follows)])
    if len(follows) < 2:
        return _proof(rng, size)
    clean = size > 4 and len(follows) > 2 and rng.random() < 0.4
    lines = rng.sample(follows, 3) if clean else [*rng.sample(follows, 2), strange]
    rng.shuffle(lines)
    links = [f"{a} implies {b}" for a, b in pairwise(chain)]
    rng.shuffle(links)
    told = f"{'; '.join(links)}; {fact}."
    shown = " ".join(f"({number}) {line}." for number, line in enumerate(lines, 1))
    wrong_line = next((number for number, line in enumerate(lines, 1) if line not in follows), 0)
    answer = f"line {wrong_line} fails" if wrong_line else "no line fails"
    why = "follow" if onward else "follow by modus tollens"
    steps = [
        f"{fact} gives {', '.join(follows if onward else follows[::-1])}",
        f"({', '.join(str(n) for n in (1, 2, 3) if n != wrong_line)}) {why}",
    ]
    contrary = bool(wrong_line) and _denied(strange) in follows
    steps.append(f"({wrong_line}) {'contradicts it' if contrary else 'is left open'}" if wrong_line else "nothing is left over")
    wrong = tuple(text for text in ("no line fails", "line 1 fails", "line 2 fails", "line 3 fails") if text != answer)
    back = (
        "denying any line contradicts the premises"
        if not wrong_line
        else f"the premises {'demand' if _denied(strange) in follows else 'allow'} {_denied(strange)}"
    )
    return Problem(f"{told} So {shown} Which line fails?", tuple(steps), answer, wrong, back)


def _denied(literal: str) -> str:
    return literal[4:] if literal.startswith("not ") else f"not {literal}"


def check_fallacy(question: str, answer: str) -> bool:
    """Every row of the truth table: validity; then the name by the argument's shape, read from its words again."""
    if "Which line" in question:
        told, _, shown = question.partition(". So ")
        lines = [line for _, line in re.findall(r"\((\d)\) ([^.]+)\.", shown)]
        failing = [number for number, line in enumerate(lines, 1) if not _entailed(told.split("; "), line)]
        return answer == (f"line {failing[0]} fails" if failing else "no line fails") and len(failing) < 2
    argument = question.removesuffix(" Valid?").rstrip(".")
    forms = _shape(argument)
    valid = _counterexample(forms) is None
    named = [name for name, *form in (*_CONDITIONAL, *_OTHERS) if form == forms]
    return len(named) == 1 and answer == f"{'valid' if valid else 'invalid'}: {named[0]}"


def _shape(argument: str) -> list[str]:
    """The three sentences with letters for their predicates, in the order in which these first appear."""
    letters: dict[str, str] = {}
    forms = []
    for part in argument.partition(": ")[2].split("; "):
        told = part.removeprefix("so ").removesuffix(" or both")
        named = []
        for predicate in re.split(r" or |, then ", told.removeprefix("if ")):
            bare = predicate.removeprefix("not ")
            named.append(("-" if bare != predicate else "") + letters.setdefault(bare, chr(ord("A") + len(letters))))
        forms.append(f"If {named[0]}, {named[1]}" if told.startswith("if ") else " or ".join(named))
    return forms


def _entailed(premises: list[str], line: str) -> bool:
    """Spreads what holds along the conditionals, both ways, until nothing is added."""
    links = [tuple(premise.split(" implies ")) for premise in premises if " implies " in premise]
    known = {premise for premise in premises if " implies " not in premise}
    size = -1
    while len(known) != size:
        size = len(known)
        known |= {b for a, b in links if a in known} | {_denied(a) for a, b in links if _denied(b) in known}
    return line in known


TEMPLATES = (Template("fallacy", "philosophy", "meta", fallacy, check_fallacy),)
