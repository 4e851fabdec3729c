"""The stage, run on real folders the way the engine runs it."""

import json
from pathlib import Path

import pytest
from keep_short import KeepShort, KeepShortConfig

from ryot.plugins import NodeError
from ryot.plugins.testing import run_stage


def documents(folder: Path, *texts: str) -> Path:
    """A folder of documents, the last of them held out."""
    folder.mkdir()
    lines = [json.dumps({"id": str(number), "meta": {}, "text": text}) + "\n" for number, text in enumerate(texts)]
    (folder / "train.jsonl").write_text("".join(lines[:-1]), encoding="utf-8")
    (folder / "heldout.jsonl").write_text(lines[-1], encoding="utf-8")
    return folder


def test_documents_of_at_most_so_many_words_are_kept(tmp_path: Path) -> None:
    given = documents(tmp_path / "documents", "one two", "one two three", "one\ttwo\n", "held out and long")
    result = run_stage(KeepShort(), KeepShortConfig(words=2), tmp_path / "node", inputs={"documents": given})
    texts = [json.loads(line)["text"] for line in (result.out / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    assert texts == ["one two", "one\ttwo\n"]
    assert (result.value("kept"), result.value("dropped")) == (2, 1)


def test_held_out_documents_pass_through_unchanged(tmp_path: Path) -> None:
    given = documents(tmp_path / "documents", "one", "held out and long")
    result = run_stage(KeepShort(), KeepShortConfig(words=2), tmp_path / "node", inputs={"documents": given})
    assert (result.out / "heldout.jsonl").read_bytes() == (given / "heldout.jsonl").read_bytes()


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    given = documents(tmp_path / "documents", "one two three", "held out")
    with pytest.raises(NodeError, match="at most 2 words"):
        run_stage(KeepShort(), KeepShortConfig(words=2), tmp_path / "node", inputs={"documents": given})
