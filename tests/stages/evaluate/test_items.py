"""What the model is asked."""

import pytest

from ryot.plugins import Document, NodeError, digest_file
from ryot.plugins.testing import write_documents
from ryot.stages.data.stage import FileSource
from ryot.stages.evaluate.items import perplexity_items, reasoning_items

META = {"question": "What is 1 + 1?", "choices": ["three", "two", "four", "five"], "answer": "two"}


@pytest.fixture
def documents(tmp_path):
    generated = [Document(f"text {i}", f"g{i}", META) for i in reversed(range(5))]
    return write_documents(tmp_path / "documents", heldout=[*generated, Document("plain", "a")])


def test_the_question_is_asked_without_the_steps(documents):
    items = reasoning_items(documents, None)
    assert len(items) == 5
    assert items[0] == {"id": "g0", "prompt": "Q: What is 1 + 1?\nA:", "choices": META["choices"], "label": 1}


def test_difficulty_goes_along_where_there_is_one(tmp_path):
    write_documents(tmp_path, heldout=[Document("text", "a", META | {"difficulty": "expert"})])
    assert [item["difficulty"] for item in reasoning_items(tmp_path, None)] == ["expert"]


def test_limit_takes_the_first_ones(documents):
    assert [item["id"] for item in reasoning_items(documents, 2)] == ["g0", "g1"]
    assert [item["id"] for item in perplexity_items(documents, None, 3)] == ["a", "g0", "g1"]


def test_without_generated_examples_there_is_nothing_to_ask(tmp_path):
    write_documents(tmp_path, heldout=["plain"])
    with pytest.raises(NodeError, match="generated example"):
        reasoning_items(tmp_path, None)


def test_a_text_file_stands_in_for_the_held_out_documents(documents, tmp_path):
    text = tmp_path / "t.txt"
    text.write_text("First block.\n\nSecond block,\nstill.\n")
    items = perplexity_items(documents, FileSource(digest=digest_file(text), written="t.txt", path=str(text)), None)
    assert [item["text"] for item in items] == ["First block.", "Second block,\nstill."]


def test_a_text_that_changed_after_the_plan_is_refused(documents, tmp_path):
    text = tmp_path / "t.txt"
    text.write_text("changed")
    with pytest.raises(NodeError, match="changed"):
        perplexity_items(documents, FileSource(digest="0" * 64, written="t.txt", path=str(text)), None)
