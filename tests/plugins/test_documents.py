"""The folder of documents: what is written comes back, and a folder without its index is none."""

import json
from pathlib import Path

import pytest

from ryot.plugins import Document, Documents, NodeError, Shard, write_index, write_shard

TEXTS = ["one", "two\nlines\r\nand \u2028 a separator", "naïve ☃ 𝕏", "\x00\x1f", " "]


def folder(path: Path, texts: list[str] = TEXTS) -> Documents:
    made = [Document.of(text, {"place": place}) for place, text in enumerate(texts)]
    shards = [
        write_shard(path, Shard("train-00-00000", "train", 0), made),
        write_shard(path, Shard("heldout-00-00000", "heldout", 0), made[:1]),
    ]
    return write_index(path, shards, {"licence": "ours"})


def test_documents_come_back_as_they_were_written(tmp_path: Path) -> None:
    found = folder(tmp_path)
    assert [document.text for document in found.split("train")] == TEXTS
    assert [document.meta["place"] for document in found.split("train")] == list(range(len(TEXTS)))
    assert found.facts == {"licence": "ours"}


def test_shards_count_documents_and_bytes_of_text(tmp_path: Path) -> None:
    train, heldout = folder(tmp_path).shards
    assert (train.documents, heldout.documents) == (len(TEXTS), 1)
    assert train.bytes == sum(len(text.encode()) for text in TEXTS)


def test_a_document_keeps_its_id_when_its_text_changes(tmp_path: Path) -> None:
    source = folder(tmp_path / "a")
    before = [document.id for document in source.split("train")]
    louder = source.rewrite(tmp_path / "b", lambda _, documents: (Document(d.text.upper(), d.id, d.meta) for d in documents))
    assert [document.id for document in louder.split("train")] == before
    assert louder.facts == source.facts


def test_a_shard_may_be_left_empty(tmp_path: Path) -> None:
    emptied = folder(tmp_path / "a").rewrite(tmp_path / "b", lambda _, documents: [d for d in documents if not d])
    assert (emptied.count(), list(emptied.split("train"))) == (0, [])


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match=r"no folder of documents"):
        Documents(tmp_path)


def test_the_same_documents_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder(tmp_path / name)
    assert {p.name: p.read_bytes() for p in (tmp_path / "a").iterdir()} == {p.name: p.read_bytes() for p in (tmp_path / "b").iterdir()}
    assert "shards" in json.loads((tmp_path / "a" / "documents.json").read_text())
