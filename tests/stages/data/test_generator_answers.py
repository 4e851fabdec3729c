"""Are the answers right? Checks against questions worked by hand, and answers recomputed here by ways the generator does not use."""

import json
import random
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from ryot.stages.data.generator.catalog import TEMPLATES
from ryot.stages.data.generator.domains.chemistry import MASSES
from ryot.stages.data.generator.domains.history import EVENTS
from ryot.stages.data.generator.domains.literature import WORKS
from ryot.stages.data.generator.expression import value_of
from ryot.stages.data.generator.generate import generate
from ryot.stages.data.stage import GeneratorSource

CHECKS = {template.name: template.check for template in TEMPLATES}
_WORKED = [json.loads(line) for line in Path(__file__).with_name("worked_by_hand.jsonl").read_text(encoding="utf-8").splitlines()]
BY_HAND = [(row["template"], row["question"], row["right"], row["wrong"]) for row in _WORKED]


@pytest.mark.parametrize(("name", "question", "right", "wrong"), BY_HAND)
def test_check_takes_the_right_answer_and_refuses_the_wrong_one(name: str, question: str, right: str, wrong: str) -> None:
    assert CHECKS[name](question, right)
    assert not CHECKS[name](question, wrong)


def test_every_template_was_worked_by_hand() -> None:
    assert {row[0] for row in BY_HAND} == set(CHECKS)


def _equation(question: str) -> str:
    left, right = re.sub(r"(\d)([x(])", r"\1*\2", question[13:-1]).split(" = ")
    found = [x for x in range(200) if eval(left, {"x": x}) == eval(right, {"x": x})]  # noqa: S307
    assert len(found) == 1
    return f"x equals {found[0]}"


def _base(question: str) -> str:
    words = question.rstrip("?").replace(",", "").split()
    if words[3] in ("AND", "OR", "XOR"):
        a, b = int(words[2], 2), int(words[4], 2)
        return "binary " + format({"AND": a & b, "OR": a | b, "XOR": a ^ b}[words[3]], "b")
    if words[-1] == "binary":
        return f"binary {int(words[5]):b}"
    return f"decimal {int(words[5], 2 if words[3] == 'binary' else 16)}"


def _loop(question: str) -> str:
    code = question.partition(": f()")[0].split(": ")
    calls = len(_run(code))
    if "min" in question:
        return f"{len(_run([code[0], re.sub(r'min[(]i, [0-9]+[)]', 'i', code[1])])) - calls} more calls"
    return f"{calls} times"


def _run(lines: list[str]) -> list[int]:
    calls: list[int] = []
    body = "".join("  " * depth + line + ":\n" for depth, line in enumerate(lines)) + "  " * len(lines) + "calls.append(1)\n"
    exec(body, {"calls": calls})  # noqa: S102
    return calls


def _syllogism(question: str, choices: list[str]) -> str:
    """Random models without empty terms refute three of the choices and never the fourth: so they are wrong in traditional logic too."""
    rng = random.Random(5)
    told = question.removesuffix(". What follows?").split(". ")
    terms = sorted({word for sentence in told for word in re.sub(r"All|No|Some|are|not", "", sentence).split()})
    standing = set(choices)
    for _ in range(20000):
        model = [frozenset(term for term in terms if rng.random() < 0.5) for _ in range(rng.randint(1, 4))]
        if frozenset().union(*model) == set(terms) and all(_holds(sentence, model) for sentence in told):
            standing = {choice for choice in standing if _holds(choice, model)}
    assert len(standing) == 1, (question, standing)
    return standing.pop()


def _holds(sentence: str, model: list[frozenset[str]]) -> bool:
    quantifier, subject, *rest = sentence.replace(" are ", " ").split()
    having = [rest[-1] in thing for thing in model if subject in thing]
    return {"All": all(having), "No": not any(having), "Some": not all(having) if rest[0] == "not" else any(having)}[quantifier]


def _interest(question: str) -> str:
    given = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", question)]
    if "simple" in question:
        value = given[0] * given[1] * given[2] / 100
    elif "deposited" in question:
        value = given[1] / (1 + given[0] / 100) ** given[2]
    else:
        value = given[0] * (1 + given[1] / 100) ** given[2]
    return f"{round(value, 4):.12g} dollars"


RECOMPUTED: dict[str, Callable[[str], str]] = {
    "equation": _equation,
    "base": _base,
    "loop": _loop,
    "interest": _interest,
}


@pytest.mark.parametrize("name", RECOMPUTED)
def test_answer_is_recomputed(name: str) -> None:
    template = next(template for template in TEMPLATES if template.name == name)
    source = GeneratorSource(examples=200, domains=(template.domain,), reasoning=(template.reasoning,))
    for document in generate(source, 3, lambda **_: None).documents:
        question = str(document.meta["question"])
        assert RECOMPUTED[name](question) == document.meta["answer"], question


def test_only_the_answer_of_a_syllogism_follows() -> None:
    source = GeneratorSource(examples=16, domains=("philosophy",), reasoning=("deductive",))
    for document in generate(source, 3, lambda **_: None).documents:
        choices = document.meta["choices"]
        assert isinstance(choices, list)
        assert _syllogism(str(document.meta["question"]), choices) == document.meta["answer"]


def test_atomic_masses_are_the_rounded_standard_weights() -> None:
    # IUPAC abridged standard atomic weights, 2021.
    weights = {"H": 1.008, "C": 12.011, "N": 14.007, "O": 15.999, "Na": 22.990, "Mg": 24.305, "S": 32.06, "Cl": 35.45, "K": 39.098,
               "Ca": 40.078, "Fe": 55.845, "Cu": 63.546}  # fmt: skip
    assert set(MASSES) == set(weights)
    for symbol, weight in weights.items():
        assert abs(float(MASSES[symbol]) - weight) < 0.35


def test_dated_facts_name_their_source() -> None:
    for fact in (*EVENTS, *WORKS):
        assert fact.source.strip()
        assert 1000 <= fact.year <= 2000
        years = {int(year) for year in re.findall(r"\b1\d{3}\b", fact.source)}
        assert not years or fact.year in years


def _sides(line: str) -> Iterator[tuple[str, str]]:
    """The formulas on both sides of each sign of equality in a line, without the words around them."""
    for part in re.split(r"[:,;]| and ", line.partition(": ")[2]):
        sides = part.split("=")
        for left, right in pairwise(sides):
            yield re.findall(r"[-\d\s+*/^().]*$", left)[0].strip(), re.findall(r"^[-\d\s+*/^().]*", right)[0].strip().rstrip(".")


def _value(formula: str) -> Fraction | None:
    try:
        return value_of(formula)
    except (ValueError, SyntaxError, ZeroDivisionError):
        return None


def test_every_verification_holds_as_it_is_written() -> None:
    documents = generate(GeneratorSource(examples=4000, composition={"base": 1.0}), 5, lambda **_: None).documents
    written = [line for document in documents for line in document.text.splitlines() if line.startswith("Verification: ")]
    lines = [line for line in written if not re.search(" : | percent|AND|OR", line)]
    equations = [(line, _value(left), _value(right)) for line in lines for left, right in _sides(line)]
    told = [(line, left, right) for line, left, right in equations if left is not None and right is not None]
    assert len(told) > 1000
    assert [line for line, left, right in told if abs(left - right) > abs(left) / 1000] == []


def test_what_a_line_of_numbers_gains_is_said_in_english() -> None:
    documents = generate(GeneratorSource(examples=300, domains=("economics",), reasoning=("inductive",)), 5, lambda **_: None).documents
    assert any(" greater by 1 adds " in document.text for document in documents)
    assert not any(re.search(r"each \w+s adds", document.text) for document in documents)
