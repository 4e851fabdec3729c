"""The generator as a whole: unique, sound, deterministic, and honest about what it cannot give."""

import hashlib
import re
import subprocess
import sys

import pytest

from ryot.plugins import NodeError
from ryot.stages.data.generator.catalog import TEMPLATES
from ryot.stages.data.generator.example import BANDS, Cell, draw
from ryot.stages.data.generator.generate import Generated, cells_of, generate
from ryot.stages.data.generator.problem import DIFFICULTIES
from ryot.stages.data.records import Document
from ryot.stages.data.stage import GeneratorSource

ALL = cells_of(GeneratorSource(examples=10))
DOMAINS = {
    "mathematics", "physics", "chemistry", "biology", "computer science", "philosophy", "history", "literature", "economics", "psychology",
    "engineering", "medicine",
}  # fmt: skip


def made(examples: int, seed: int = 42, **chosen: tuple[str, ...]) -> Generated:
    return generate(GeneratorSource(examples=examples, **chosen), seed, lambda **_: None)


@pytest.fixture(scope="module")
def five_thousand() -> list[Document]:
    found = made(5000)
    assert (found.wrong, len(found.documents)) == (0, 5000)
    return found.documents


def test_five_thousand_examples_are_unique(five_thousand: list[Document]) -> None:
    assert len({document.id for document in five_thousand}) == 5000
    assert len({document.meta["question"] for document in five_thousand}) == 5000


def test_every_domain_and_difficulty_and_all_cells_are_covered(five_thousand: list[Document]) -> None:
    cells = {(doc.meta["domain"], doc.meta["reasoning"], doc.meta["difficulty"]) for doc in five_thousand}
    assert {cell[0] for cell in cells} == DOMAINS
    assert len(cells) == len(ALL)
    assert {cell[1] for cell in cells} == {
        "deductive", "inductive", "abductive", "analogical", "causal", "probabilistic", "counterfactual", "meta"
    }  # fmt: skip


def test_examples_are_shared_evenly_over_cells(five_thousand: list[Document]) -> None:
    counts: dict[object, int] = {}
    for document in five_thousand:
        key = (document.meta["template"], document.meta["difficulty"])
        counts[key] = counts.get(key, 0) + 1
    assert max(counts.values()) - min(counts.values()) <= 1


def test_every_example_keeps_the_bounds_of_quality(five_thousand: list[Document]) -> None:
    for document in five_thousand:
        meta = document.meta
        low, high = BANDS[DIFFICULTIES.index(str(meta["difficulty"]))]
        assert 10 <= len(str(meta["question"])) <= 500
        assert isinstance(meta["steps"], list)
        assert 3 <= len(meta["steps"]) <= 15
        assert len(str(meta["answer"])) > 5
        assert isinstance(meta["confidence"], float)
        assert low <= meta["confidence"] <= high
        assert str(meta["verification"]).strip()


def test_every_example_has_four_choices_of_which_one_is_right(five_thousand: list[Document]) -> None:
    checks = {template.name: template.check for template in TEMPLATES}
    places = [0, 0, 0, 0]
    for document in five_thousand:
        choices = document.meta["choices"]
        assert isinstance(choices, list)
        assert len(set(choices)) == 4
        check = checks[str(document.meta["template"])]
        right = [choice for choice in choices if check(str(document.meta["question"]), choice)]
        assert right == [document.meta["answer"]]
        places[choices.index(document.meta["answer"])] += 1
    assert min(places) > 1000  # the place of the right one tells nothing


FORM = re.compile(
    r"Q: .+\nReasoning:\n(?:Step \d+: .+\n){3,15}A: .{6,}\nConfidence: 0\.\d\d\nVerification: .+\nTags: \[.+, .+, .+, .+\]\n---"
)


def test_every_text_has_the_form(five_thousand: list[Document]) -> None:
    for document in five_thousand:
        assert FORM.fullmatch(document.text), document.text
        assert f"Q: {document.meta['question']}\n" in document.text
        assert f"\nA: {document.meta['answer']}\n" in document.text


def test_no_fraction_is_shown_as_a_rounded_or_raw_number(five_thousand: list[Document]) -> None:
    for document in five_thousand:
        assert "Fraction(" not in document.text
        assert not re.search(r"\d\.\d{5,}|\de[-+]\d", document.text), document.text


def test_names_of_templates_are_unique() -> None:
    assert len({template.name for template in TEMPLATES}) == len(TEMPLATES)


def test_draws_do_not_depend_on_what_was_drawn_before() -> None:
    forward = [draw(7, cell, index) for cell in ALL for index in range(3)]
    backward = [draw(7, cell, index) for cell in reversed(ALL) for index in reversed(range(3))]
    assert forward == backward[::-1]


def test_the_same_seed_gives_the_same_examples_in_another_process() -> None:
    code = (
        "import hashlib\nfrom ryot.stages.data.generator.generate import generate\n"
        "from ryot.stages.data.stage import GeneratorSource\n"
        "found = generate(GeneratorSource(examples=300), 42, lambda **_: None).documents\n"
        "print(hashlib.sha256(''.join(d.line() for d in found).encode()).hexdigest())"
    )
    run = subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": "1"}, check=True, capture_output=True, text=True, timeout=60)
    here = hashlib.sha256("".join(document.line() for document in made(300).documents).encode()).hexdigest()
    assert run.stdout.strip() == here


def test_more_examples_keep_the_first_ones() -> None:
    few, many = made(200).documents, made(400).documents
    assert many[:200] == few


def test_another_seed_gives_other_examples() -> None:
    one, two = ({document.id for document in made(200, seed=seed).documents} for seed in (1, 2))
    assert len(one & two) < 40


def test_choosing_cells_leaves_the_others_out() -> None:
    chosen = made(50, domains=("physics", "medicine"), difficulties=("expert",)).documents
    assert {document.meta["domain"] for document in chosen} == {"physics", "medicine"}
    assert {document.meta["difficulty"] for document in chosen} == {"expert"}
    inductive = made(20, reasoning=("inductive",)).documents
    assert {document.meta["reasoning"] for document in inductive} == {"inductive"}


def test_too_many_examples_are_refused_with_the_number_there_are() -> None:
    with pytest.raises(NodeError, match=r"1 cells give (\d+) unique examples; 100,000 were asked for") as refused:
        made(100_000, domains=("biology",), reasoning=("probabilistic",), difficulties=("elementary",))
    found = int(re.findall(r"give (\d+)", refused.value.message)[0])
    assert len(made(found, domains=("biology",), reasoning=("probabilistic",), difficulties=("elementary",)).documents) == found
    assert found == (6 + 17) * 9 * 2  # traits x crosses x forms: all there are


def test_cells_that_no_template_covers_are_refused() -> None:
    with pytest.raises(NodeError, match="no template covers"):
        made(10, domains=("physics",), reasoning=("meta",))


def test_a_wrong_template_is_counted_and_not_emitted() -> None:
    template = TEMPLATES[0]
    broken = type(template)(template.name, template.domain, template.reasoning, template.make, lambda _question, _answer: False)
    drawn = draw(1, Cell(broken, 0), 0)
    assert not drawn.right
    assert drawn.document is None
