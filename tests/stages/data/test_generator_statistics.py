"""Statistics of what was made: they add up in every group, and stand in documents.json; the corpus is a file a domain where asked."""

from pathlib import Path

import pytest

from ryot.plugins import Documents
from ryot.plugins.testing import StageResult, run_stage
from ryot.spec.data import WANTED
from ryot.stages.data.generator.generate import Generated, generate
from ryot.stages.data.generator.statistics import GROUPS, statistics
from ryot.stages.data.stage import Config, DataStage, GeneratorSource, measures_of

SOURCE = GeneratorSource(examples=400, domains=("physics", "computer science", "philosophy"), composition=WANTED.model_dump(), files=True)


@pytest.fixture(scope="module")
def made() -> Generated:
    return generate(SOURCE, 42, lambda **_: None)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> StageResult:
    config = Config(sources=(SOURCE,), workers=1)
    return run_stage(DataStage(), config, tmp_path_factory.mktemp("data"), measures=measures_of(config))


def test_counts_add_up_in_every_group(made: Generated) -> None:
    found = statistics(made.documents)
    assert found["all"]["documents"] == found["all"]["distinct_questions"] == 400
    for group in GROUPS:
        assert sum(part["documents"] for part in found[group].values()) == 400
    assert set(found["domain"]) == set(SOURCE.domains)
    assert found["all"]["longest"] == max(len(document.text) for document in made.documents)
    assert found["all"]["mean_characters"] == round(sum(len(document.text) for document in made.documents) / 400, 1)
    assert 0 < found["all"]["numeric_answers"] < 1


def test_nothing_made_is_nothing_counted() -> None:
    assert statistics([])["all"]["documents"] == 0


def test_they_stand_in_the_list_of_documents(made: Generated, result: StageResult) -> None:
    assert Documents(result.out).facts["generated"] == statistics(made.documents)


def test_the_corpus_is_a_file_a_domain(result: StageResult) -> None:
    files = {path.name: path.read_text() for path in (result.out / "generated").iterdir()}
    assert sorted(files) == ["computer-science.txt", "philosophy.txt", "physics.txt"]
    assert sum(text.count("\nTags: [") for text in files.values()) == 400
    for name, text in files.items():
        domain = name.removesuffix(".txt").replace("-", " ")
        assert all(block.startswith("Q: ") and f"Tags: [{domain}, " in block for block in text.split("---\n") if block)


def test_without_being_asked_for_there_is_none(tmp_path: Path) -> None:
    config = Config(sources=(SOURCE.model_copy(update={"files": False, "examples": 60}),), workers=1)
    assert not (run_stage(DataStage(), config, tmp_path, measures=measures_of(config)).out / "generated").exists()
