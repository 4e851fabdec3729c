"""Statistics of what was made: they add up, merge across workers, and the corpus is a file a domain."""

import json

import pytest

from ryot.spec.data import WANTED
from ryot.stages.data.generator.generate import Generated, generate
from ryot.stages.data.generator.statistics import by_domain, count, merge, summary
from ryot.stages.data.records import Document
from ryot.stages.data.stage import GeneratorSource

SOURCE = GeneratorSource(examples=400, domains=("physics", "computer science", "philosophy"), composition=WANTED.model_dump())


@pytest.fixture(scope="module")
def made() -> Generated:
    return generate(SOURCE, 42, lambda **_: None)


def test_counts_add_up_in_every_group(made: Generated) -> None:
    found = summary(count(made.documents, made.refused))
    assert found["all"]["documents"] == found["all"]["distinct_questions"] == 400
    for group in ("domain", "reasoning", "difficulty", "kind"):
        assert sum(part["documents"] for part in found[group].values()) == 400
    assert set(found["domain"]) == set(SOURCE.domains)
    assert found["all"]["longest"] == max(len(document.text) for document in made.documents)
    assert found["all"]["mean_characters"] == round(sum(len(document.text) for document in made.documents) / 400, 1)
    assert 0 < found["all"]["numeric_answers"] < 1
    assert found["refused"] == dict(sorted(made.refused.items()))


def test_workers_counts_merge_to_the_whole(made: Generated) -> None:
    cells = sorted({(str(one.meta["template"]), str(one.meta["difficulty"])) for one in made.documents})
    halves = [
        [one for one in made.documents if ((one.meta["template"], one.meta["difficulty"]) in cells[::2]) == first]
        for first in (True, False)
    ]
    parts = [json.loads(json.dumps(count(half, {"base: seen before": 3}))) for half in halves]
    assert merge(parts) == count(made.documents, {"base: seen before": 6})
    assert merge(reversed(parts)) == merge(parts)


def test_a_cell_counted_twice_is_refused(made: Generated) -> None:
    part = count(made.documents[:5])
    with pytest.raises(ValueError, match="was counted by two workers"):
        merge([part, part])


def test_documents_that_were_not_generated_are_passed_over() -> None:
    assert count([Document("a text", {"source": 1})]) == {"rows": {}, "refused": {}}
    assert list(by_domain([Document("a text")])) == []
    assert summary(count([]))["all"]["documents"] == 0


def test_the_corpus_is_a_file_a_domain(made: Generated) -> None:
    files = dict(by_domain(iter(made.documents)))
    assert sorted(files) == ["computer-science.txt", "philosophy.txt", "physics.txt"]
    assert sum(text.count("\nTags: [") for text in files.values()) == 400
    for name, text in files.items():
        domain = name.removesuffix(".txt").replace("-", " ")
        assert all(block.startswith("Q: ") and f"Tags: [{domain}, " in block for block in text.split("---\n") if block)
    one = next(document for document in made.documents if document.meta["domain"] == "physics")
    assert f"{one.text}\n" in files["physics.txt"]
