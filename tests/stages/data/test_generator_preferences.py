"""Wrong answers to generated questions are proven wrong, and differ from question to question."""

import pytest

from ryot.plugins import Document
from ryot.spec.data import WANTED
from ryot.stages.data.generator.generate import generate
from ryot.stages.data.generator.preferences import cells_by_name, wrong_for
from ryot.stages.data.stage import GeneratorSource

CELLS = cells_by_name()


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return list(generate(GeneratorSource(examples=800, composition=WANTED.model_dump()), 5, lambda **_: None).documents)


def test_every_kind_of_example_gets_one_that_its_template_refuses(documents: list[Document]) -> None:
    kinds = set()
    for document in documents:
        wrong = wrong_for(document, 5, CELLS)
        assert wrong is not None, document.text
        assert all(wrong.meta[name] == document.meta[name] for name in ("template", "domain", "difficulty"))
        assert wrong.meta["answer"] != document.meta["answer"]
        if document.meta["kind"] == "base":
            check = next(cell.template.check for cell in CELLS.values() if cell.template.name == document.meta["template"])
            assert not check(str(document.meta["question"]), str(wrong.meta["answer"]))
        kinds.add(document.meta["kind"])
    assert len(kinds) == 6


def test_the_same_question_gets_the_same_and_another_seed_another(documents: list[Document]) -> None:
    document = documents[0]
    assert wrong_for(document, 5, CELLS) == wrong_for(document, 5, CELLS) != wrong_for(document, 6, CELLS)


def test_questions_of_one_cell_get_different_ones() -> None:
    one = GeneratorSource(examples=20, domains=("mathematics",), reasoning=("deductive",), difficulties=("advanced",))
    found = [wrong_for(document, 5, CELLS) for document in generate(one, 5, lambda **_: None).documents]
    assert len({wrong.text for wrong in found if wrong}) > 15
