"""A filter's run: the funnel, links for what it leaves, the same bytes for any number of workers, and an error when nothing is left."""

import json
from pathlib import Path

import pytest

from ryot.plugins import NodeError
from tests.stages.filter.conftest import PROSE, Filter, settings_of, write_documents

SENTENCES = [f"{sentence.strip()}." for sentence in PROSE.split(". ")]
TEXTS = [f"{PROSE} Number {number} of the year. Write to a{number}@mail.example or wait." for number in range(40)]


def test_the_funnel_counts_and_keeps_three_examples(tmp_path: Path, filtered: Filter) -> None:
    source = write_documents(tmp_path / "in", train=[["a" * 400, PROSE, "b"], ["c", "d", PROSE * 2]], heldout=[["e", PROSE]])
    found = filtered(source, "length", max=500)
    assert found.texts() == ["a" * 400, PROSE] and found.texts("heldout") == [PROSE]  # noqa: PT018
    assert {key: found.funnel[key] for key in ("name", "read", "kept", "dropped", "changed")} == {
        "name": "length", "read": 8, "kept": 3, "dropped": 5, "changed": 0,
    }  # fmt: skip
    assert found.funnel["reasons"] == {"too_long": 1, "too_short": 4}
    assert [example["text"] for example in found.funnel["examples"]] == ["b", "c", "d"]
    assert found.funnel["examples"][0]["reason"] == "too_short: 1 characters, fewer than 100"
    assert (found.result.value("kept"), found.result.value("dropped")) == (3, 5)
    assert found.result.evidence["dropped"].of == 8
    assert found.documents.facts["sources"] == [{"kind": "file"}]


def test_shards_keep_their_names_ids_and_true_counts(tmp_path: Path, filtered: Filter) -> None:
    source = write_documents(tmp_path / "in", train=[TEXTS, ["b"]], heldout=[["e", PROSE]])
    found = filtered(source, "personal")
    assert found.texts()[0].endswith("Write to <EMAIL> or wait.")
    assert found.result.value("changed") == 40
    for shard in found.documents.shards:
        texts = [document.text for document in found.documents.read(shard)]
        assert (shard.documents, shard.bytes) == (len(texts), sum(len(text.encode()) for text in texts))
    again = filtered(found.result.out, "length", min=10)
    assert [entry["name"] for entry in json.loads((again.result.out / "documents.json").read_text())["filters"]] == ["personal", "length"]
    before = [document.id for document in found.documents.split("train")]
    assert [document.id for document in again.documents.split("train")] == before[:-1]


def test_a_shard_that_stays_as_it_is_is_linked(tmp_path: Path, filtered: Filter) -> None:
    source = write_documents(tmp_path / "in", train=[[PROSE], ["b", PROSE]])
    found = filtered(source, "length")
    same, other = (found.documents.folder / shard.file for shard in found.documents.shards)
    assert same.stat().st_ino == (source / same.name).stat().st_ino
    assert other.stat().st_ino != (source / other.name).stat().st_ino


@pytest.mark.parametrize("name", ["quality", "near_duplicates"])
def test_any_number_of_workers_gives_the_same_bytes(tmp_path: Path, filtered: Filter, name: str) -> None:
    parts = [[*TEXTS[start::4], " ".join(SENTENCES[start:]), f"{TEXTS[start]} {start}"] for start in range(4)]
    source = write_documents(tmp_path / "in", train=parts, heldout=[[f"{TEXTS[3]} too", SENTENCES[0]]])
    settings = settings_of(name)
    found = [filtered(source, name, settings, workers=workers).result.out for workers in (1, 2, 3)]
    files = sorted(path.name for path in found[0].iterdir())
    for other in found[1:]:
        assert sorted(path.name for path in other.iterdir()) == files
        assert all((other / file).read_bytes() == (found[0] / file).read_bytes() for file in files)


def test_nothing_left_to_train_on_is_an_error_with_its_reasons(tmp_path: Path, filtered: Filter) -> None:
    source = write_documents(tmp_path / "in", train=[["a", "b"], ["c" * 700]], heldout=[[PROSE]])
    with pytest.raises(
        NodeError, match=r"filter\.length leaves none of 3 training documents; dropped were: 2 too_short, 1 too_long"
    ) as failed:
        filtered(source, "length", max=600)
    assert "data.filters.length" in str(failed.value.hint)


def test_an_empty_shard_passes_through_every_filter(tmp_path: Path, filtered: Filter) -> None:
    source = write_documents(tmp_path / "in", train=[[PROSE], []], heldout=[[]])
    for name in ("normalise", "length", "quality", "score", "profanity", "personal", "near_duplicates", "contamination"):
        source = filtered(source, name).result.out
    assert [shard.documents for shard in filtered(source, "length").documents.shards] == [1, 0, 0]


def test_an_emptied_shard_is_read_as_empty(tmp_path: Path, filtered: Filter) -> None:
    found = filtered(write_documents(tmp_path / "in", train=[[PROSE], ["a"]]), "length")
    assert found.texts() == [PROSE]
    assert filtered(found.result.out, "near_duplicates").texts() == [PROSE]


def test_a_weighted_source_that_a_filter_empties_is_named(tmp_path: Path, filtered: Filter) -> None:
    source = write_documents(tmp_path / "in", sources=(0, 1), train=[[PROSE], ["a", "b"]], heldout=[[PROSE], [PROSE]])
    with pytest.raises(NodeError, match=r"filter\.length leaves none of the 2 training documents of generated.*: 2 too_short"):
        filtered(source, "length", weighted=("texts/", "generated"))
    assert filtered(source, "length").texts() == [PROSE]
