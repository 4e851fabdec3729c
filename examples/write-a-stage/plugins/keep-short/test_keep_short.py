"""The stage, run on real folders the way the engine runs it."""

from pathlib import Path

import pytest
from keep_short import KeepShort, KeepShortConfig

from ryot.plugins import Documents, NodeError
from ryot.plugins.testing import run_stage, write_documents


def documents(folder: Path, *texts: str) -> Path:
    """A folder of documents, the last of them held out."""
    return write_documents(folder, train=texts[:-1], heldout=texts[-1:])


def test_documents_of_at_most_so_many_words_are_kept(tmp_path: Path) -> None:
    given = documents(tmp_path / "documents", "one two", "one two three", "one\ttwo\n", "held out and long")
    result = run_stage(KeepShort(), KeepShortConfig(words=2), tmp_path / "node", inputs={"documents": given})
    texts = [document.text for document in Documents(result.out).split("train")]
    assert texts == ["one two", "one\ttwo\n"]
    assert (result.value("kept"), result.value("dropped")) == (2, 1)


def test_held_out_documents_pass_through_unchanged(tmp_path: Path) -> None:
    given = documents(tmp_path / "documents", "one", "held out and long")
    result = run_stage(KeepShort(), KeepShortConfig(words=2), tmp_path / "node", inputs={"documents": given})
    assert list(Documents(result.out).split("heldout")) == list(Documents(given).split("heldout"))


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    given = documents(tmp_path / "documents", "one two three", "held out")
    with pytest.raises(NodeError, match="at most 2 words"):
        run_stage(KeepShort(), KeepShortConfig(words=2), tmp_path / "node", inputs={"documents": given})
