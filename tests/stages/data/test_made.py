"""Generated examples made by groups of cells: the same as in one process, on any number of workers."""

from pathlib import Path

import pytest

from ryot.plugins import Document, NodeError
from ryot.plugins.testing import context_in
from ryot.stages.data import made
from ryot.stages.data.generator.generate import generate
from ryot.stages.data.made import examples_of, make_examples
from ryot.stages.data.stage import Config, DataStage, GeneratorSource
from ryot.stages.shards.pool import Place


def documents(folder: Path, source: GeneratorSource, workers: int = 1) -> list[list[Document]]:
    """The examples of each group."""
    context = context_in(folder, DataStage(), [])
    found = make_examples(Config(sources=(source,)), context, Place(workers))
    return [list(examples_of(group, context.scratch / "made")) for group in found[0]]


def test_groups_make_what_one_process_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "GROUP", 50)
    source = GeneratorSource(examples=400)
    groups = documents(tmp_path, source)
    assert len(groups) == 8
    whole = generate(source, 42, lambda **_: None).documents
    assert {document.id: document for group in groups for document in group} == {document.id: document for document in whole}
    assert len({document.meta["question"] for group in groups for document in group}) == 400


def test_any_number_of_workers_makes_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "GROUP", 50)
    source = GeneratorSource(examples=150, domains=("physics", "biology"))
    assert documents(tmp_path / "one", source) == documents(tmp_path / "two", source, workers=2)


def test_cells_that_run_dry_hand_their_share_on(tmp_path: Path) -> None:
    source = GeneratorSource(examples=400, domains=("biology", "mathematics"), difficulties=("elementary",))
    (group,) = documents(tmp_path, source)
    assert len(group) == len({document.id for document in group}) == 400


def test_too_many_examples_are_refused_with_the_number_there_are(tmp_path: Path) -> None:
    source = GeneratorSource(examples=10_000, domains=("biology",), reasoning=("probabilistic",), difficulties=("elementary",))
    with pytest.raises(NodeError, match=r"1 cells give \d+ unique examples; 10,000 were asked for"):
        documents(tmp_path, source)
