"""Philosophy: formulas of propositional logic, checked by a second reading of the words; syllogisms, checked in all models.

Universal premises are read without existential import, as in modern logic: from "All A are B" does not follow "Some A are B".
"""

import re
from collections.abc import Callable, Mapping
from itertools import product
from random import Random

from ryot.stages.data.generator.domains import philosophy_audit, philosophy_causes
from ryot.stages.data.generator.facts.philosophy import RELATIONS, THINKERS
from ryot.stages.data.generator.facts.relation import check_related, relate
from ryot.stages.data.generator.facts.riddle import check_explained, explain
from ryot.stages.data.generator.problem import Problem, Template, quantity

_COUNT = "{} of them"
_TRUTH = ("It would be true", "It would be false", "It would be neither", "It would be unknown")


def formula(rng: Random, level: int) -> Problem:
    """One letter otherwise, of two; of three; two letters otherwise; how many letters, each alone otherwise, change the whole."""
    letters = rng.sample("PQRSTUVW", 3 if level else 2)
    parts = [("not " if rng.random() < 0.4 else "") + letter for letter in letters]
    outer, inner = rng.choice(("and", "or", "implies")), rng.choice(("and", "or", "implies"))
    text = f"({parts[0]} {inner} {parts[1]}) {outer} {parts[2]}" if level else f"{parts[0]} {outer} {parts[1]}"
    values = {letter: rng.random() < 0.5 for letter in letters}
    given = ", ".join(f"{letter} is {_word(value)}" for letter, value in values.items())
    if level == 3:
        return _decisive(f"{given}.", text, values)
    changed = rng.sample(letters, 2 if level == 2 else 1)
    other = {letter: value != (letter in changed) for letter, value in values.items()}
    result = _evaluate(text, other)
    answer = _TRUTH[not result]
    inside = [f"{text[: text.index(')') + 1]} is {_word(_evaluate(text[1 : text.index(')')], other))}"] if level else []
    steps = (
        f"then {', '.join(f'{letter} {_word(value)}' for letter, value in other.items())}",
        *inside,
        f"{outer}: {_RULES[outer]}",
        f"so {_word(result)}",
    )
    were = " and ".join(f"{letter} {_word(other[letter])}" for letter in sorted(changed))
    question = f"{given}. Were {were}, would {text} be true?"
    return Problem(question, steps, answer, tuple(t for t in _TRUTH if t != answer), f"its denial would be {_word(not result)}")


def _decisive(given: str, text: str, values: Mapping[str, bool]) -> Problem:
    now = _evaluate(text, values)
    effects = {letter: _evaluate(text, {**values, letter: not value}) for letter, value in values.items()}
    count = sum(effect != now for effect in effects.values())
    steps = (f"now it is {_word(now)}", *(f"{letter} {_word(not values[letter])}: {_word(effect)}" for letter, effect in effects.items()))
    question = f"{given} How many of the three, changed alone, would change ({text})?"
    wrong = tuple(_COUNT.format(other) for other in range(4) if other != count)
    names = ", ".join(letter for letter, effect in effects.items() if effect != now)
    return Problem(question, steps, _COUNT.format(count), wrong, f"decisive: {names or 'none'}")


_RULES = {"and": "true if both are", "or": "false if both are", "implies": "false only from true to false"}


def check_formula(question: str, answer: str) -> bool:
    """The words translated to arithmetic on 0 and 1: and is the product, or the maximum, implies is not-greater."""
    told, _, asked = question.partition(". ")
    values = {letter: word == "true" for letter, word in re.findall(r"([A-Z]) is (true|false)", told)}
    if found := re.fullmatch(r"Were (.*), would (.*) be true\?", asked):
        values |= {letter: word == "true" for letter, word in re.findall(r"([A-Z]) (true|false)", found[1])}
        return answer == ("It would be true" if _arithmetic(found[2], values) else "It would be false")
    text = asked.partition("would change (")[2].removesuffix(")?")
    now = _arithmetic(text, values)
    return quantity(answer, _COUNT) == sum(_arithmetic(text, {**values, letter: not values[letter]}) != now for letter in values)


def _evaluate(text: str, values: Mapping[str, bool]) -> bool:
    """Forward: split at the outermost connective."""
    depth = 0
    words = text.replace("(", "( ").replace(")", " )").split()
    for place, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if depth == 0 and word in _RULES:
            left, right = _evaluate(" ".join(words[:place]), values), _evaluate(" ".join(words[place + 1 :]), values)
            return {"and": left and right, "or": left or right, "implies": not left or right}[word]
    if words[0] == "(":
        return _evaluate(" ".join(words[1:-1]), values)
    return not _evaluate(" ".join(words[1:]), values) if words[0] == "not" else values[words[0]]


def _arithmetic(text: str, values: Mapping[str, bool]) -> int:
    """Backward: letters become digits, then the innermost pieces are rewritten until one digit is left."""
    table: dict[str, Callable[[int, int], int]] = {"and": lambda a, b: a * b, "or": max, "implies": lambda a, b: int(a <= b)}
    reduced = re.sub(r"[A-Z]", lambda match: str(int(values[match[0]])), text)
    while len(reduced) > 1:
        before = reduced
        reduced = re.sub(r"not ([01])", lambda match: str(1 - int(match[1])), reduced)
        reduced = re.sub(r"\(([01]) (\w+) ([01])\)", lambda match: str(table[match[2]](int(match[1]), int(match[3]))), reduced)
        reduced = re.sub(r"^([01]) (\w+) ([01])$", lambda match: str(table[match[2]](int(match[1]), int(match[3]))), reduced)
        assert reduced != before, text
    return int(reduced)


def _word(value: bool) -> str:
    return "true" if value else "false"


TERMS = (
    "poets", "judges", "sailors", "farmers", "doctors", "painters", "bakers", "singers", "pilots", "teachers", "miners", "weavers", "monks",
    "nurses", "tailors", "hunters",
)  # fmt: skip
# Premises and the conclusion over the terms 0, 1, 2, 3: (quantifier, subject, predicate).
_Form = tuple[str, int, int]
FORMS: tuple[tuple[tuple[tuple[_Form, ...], _Form], ...], ...] = (
    (((("All", 0, 1), ("All", 1, 2)), ("All", 0, 2)), ((("All", 0, 1), ("No", 1, 2)), ("No", 0, 2))),
    (((("Some", 0, 1), ("All", 1, 2)), ("Some", 0, 2)), ((("Some", 0, 1), ("No", 1, 2)), ("Some not", 0, 2))),
    (((("No", 2, 1), ("All", 0, 1)), ("No", 0, 2)), ((("All", 2, 1), ("Some not", 0, 1)), ("Some not", 0, 2)),
     ((("Some not", 1, 2), ("All", 1, 0)), ("Some not", 0, 2)), ((("No", 1, 2), ("Some", 1, 0)), ("Some not", 0, 2))),
    (((("All", 0, 1), ("All", 1, 2), ("No", 2, 3)), ("No", 0, 3)), ((("Some", 0, 1), ("All", 1, 2), ("All", 2, 3)), ("Some", 0, 3)),
     ((("All", 0, 1), ("All", 1, 2), ("All", 2, 3)), ("All", 0, 3)), ((("Some", 0, 1), ("All", 1, 2), ("No", 3, 2)), ("Some not", 0, 3))),
)  # fmt: skip
"""Valid forms by difficulty: the first figure's universal, then particular moods; the other figures; chains of three premises."""

_SENTENCE = r"(All|No|Some) (\w+) are (not )?(\w+)"
_WEAKER = {"All": "Some", "No": "Some not"}
"""What follows too when no term is empty, as in traditional logic: never offered as a wrong choice."""


def syllogism(rng: Random, level: int) -> Problem:
    """What follows from the premises: universal, particular, other figures, chains."""
    premises, conclusion = rng.choice(FORMS[level])
    terms = rng.sample(TERMS, 4 if level == 3 else 3)
    told = [_sentence(premise, terms) for premise in premises]
    answer = _sentence(conclusion, terms)
    _, subject, predicate = conclusion
    candidates = [(word, *pair) for pair in ((subject, predicate), (predicate, subject)) for word in ("All", "No", "Some", "Some not")]
    wrong = [_sentence(form, terms) for form in candidates if form != conclusion and form[0] != _WEAKER.get(conclusion[0])]
    rng.shuffle(wrong)
    middle = ", ".join(terms[place] for place in range(1, len(terms)) if place != predicate)
    steps = (
        f"shared: {middle}",
        f"asked: {terms[subject]} and {terms[predicate]}",
        f"so: {answer}",
    )
    denied = {"All": "Some not", "No": "Some", "Some": "No", "Some not": "All"}[conclusion[0]]
    back = f"{_sentence((denied, subject, predicate), terms)}: not with these premises"
    return Problem(f"{'. '.join(told)}. What follows?", steps, answer, tuple(wrong), back)


def check_syllogism(question: str, answer: str) -> bool:
    """No model of the premises refutes the answer. A thing is the set of terms it falls under; a model is a set of things.

    One thing, with those that the particular premises ask for, is enough to refute whatever can be refuted.
    """
    told = [_parse(sentence) for sentence in question.removesuffix(" What follows?").rstrip(".").split(". ")]
    if not re.fullmatch(_SENTENCE, answer):
        return False
    quantifier, subject, predicate = _parse(answer)
    terms = sorted({term for _, *pair in told for term in pair})
    if {subject, predicate} - set(terms):
        return False
    things = [frozenset(term for term, held in zip(terms, row, strict=True) if held) for row in product((False, True), repeat=len(terms))]
    allowed = [thing for thing in things if not any(_refutes(premise, thing) for premise in told)]
    if quantifier in ("All", "No"):
        return not any(_refutes((quantifier, subject, predicate), thing) for thing in allowed)
    witnesses = [[thing for thing in allowed if _shows(premise, thing)] for premise in told if premise[0].startswith("Some")]
    return any(all(_shows((quantifier, subject, predicate), thing) for thing in group) for group in witnesses)


def _sentence(form: _Form, terms: list[str]) -> str:
    quantifier, subject, predicate = form
    if quantifier == "Some not":
        return f"Some {terms[subject]} are not {terms[predicate]}"
    return f"{quantifier} {terms[subject]} are {terms[predicate]}"


def _parse(sentence: str) -> tuple[str, str, str]:
    found = re.fullmatch(_SENTENCE, sentence)
    assert found is not None, sentence
    return found[1] + (" not" if found[3] else ""), found[2], found[4]


def _refutes(claim: tuple[str, str, str], thing: frozenset[str]) -> bool:
    quantifier, subject, predicate = claim
    return subject in thing and ((quantifier == "All" and predicate not in thing) or (quantifier == "No" and predicate in thing))


def _shows(claim: tuple[str, str, str], thing: frozenset[str]) -> bool:
    quantifier, subject, predicate = claim
    return subject in thing and (predicate in thing) == (quantifier == "Some")


TEMPLATES = (
    Template("thinkers", "philosophy", "abductive", explain(THINKERS), check_explained(THINKERS)),
    Template("doctrines", "philosophy", "analogical", relate(RELATIONS), check_related(RELATIONS)),
    *philosophy_causes.TEMPLATES,
    *philosophy_audit.TEMPLATES,
    Template("formula", "philosophy", "counterfactual", formula, check_formula),
    Template("syllogism", "philosophy", "deductive", syllogism, check_syllogism),
)
