"""The node `data`: splits, copies, broken records, and that the same Config gives the same bytes on any number of workers."""

import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard
from pyarrow import parquet

from ryot.fingerprint import fingerprint
from ryot.plugins import Document, Documents, Facts, NodeError, Spec, SpecError, digest_path
from ryot.plugins.stage import identity
from ryot.plugins.testing import StageResult, run_stage
from ryot.stages.data.read import TWINS
from ryot.stages.data.stage import Config, DataStage, FileSource, GeneratorSource, Source, measures_of
from ryot.stages.data.units import units_of


def run(folder: Path, *sources: Source, workers: int = 1, **settings: float) -> StageResult:
    config = Config(sources=sources, workers=workers, **settings)
    return run_stage(DataStage(), config, folder, measures=measures_of(config))


def rows(result: StageResult, split: str) -> list[Document]:
    return list(Documents(result.out).split(split))


def texts(result: StageResult) -> list[str]:
    return [document.text for split in ("train", "heldout", "test") for document in rows(result, split)]


def content(result: StageResult) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in result.out.iterdir()}


def source_at(path: Path, **settings: object) -> FileSource:
    return FileSource(digest=digest_path(path), written=path.name, path=str(path), **settings)


def lines_in(folder: Path, texts: list[str], name: str = "a.jsonl", **settings: object) -> FileSource:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()
    packers = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}
    path.write_bytes(packers[path.suffix](content) if path.suffix in packers else content)
    return source_at(path, **settings)


def warnings(result: StageResult) -> list[str]:
    return [str(event["text"]) for event in result.events if event["event"] == "warning"]


TEXTS = [f"document {number}" for number in range(400)]


SMALL = {"shard_bytes": 1000}
"""Settings with which few lines make many units and shards."""


def test_generated_documents_are_split_and_counted(tmp_path: Path) -> None:
    result = run(tmp_path, GeneratorSource(examples=600), held_out=0.1)
    train, heldout = rows(result, "train"), rows(result, "heldout")
    assert len(train) + len(heldout) == result.value("examples") == 600
    assert 30 <= len(heldout) == result.value("heldout") <= 90
    assert result.value("wrong_answers") == 0
    assert result.evidence["wrong_answers"].of is not None
    assert result.evidence["wrong_answers"].of >= 600
    assert result.value("cells") == 384
    assert not {row.id for row in train} & {row.id for row in heldout}
    facts = Documents(result.out).facts
    assert (facts["train"], facts["heldout"], facts["test"]) == (len(train), len(heldout), 0)
    assert isinstance(facts["cells"], dict)
    assert sum(facts["cells"].values()) == 600


def test_a_second_run_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = (run(tmp_path / name, GeneratorSource(examples=100), lines_in(tmp_path, TEXTS)) for name in ("one", "two"))
    assert content(one) == content(two)


def test_any_number_of_workers_gives_the_same_bytes(tmp_path: Path) -> None:
    sources = (lines_in(tmp_path, TEXTS * 2, "a.jsonl"), GeneratorSource(examples=60), lines_in(tmp_path, TEXTS[:50], "b.jsonl.zst"))
    one, two, three = (run(tmp_path / str(workers), *sources, workers=workers, test=0.2, **SMALL) for workers in (1, 2, 3))
    assert len(Documents(one.out).shards) > 20
    assert len(texts(one)) == 460
    assert content(one) == content(two) == content(three)


def test_what_is_in_which_split_does_not_depend_on_the_order_of_the_lines(tmp_path: Path) -> None:
    forward = run(tmp_path / "one", lines_in(tmp_path, TEXTS, "a.jsonl"))
    backward = run(tmp_path / "two", lines_in(tmp_path, TEXTS[::-1], "b.jsonl"))
    for split in ("train", "heldout"):
        assert rows(forward, split) == rows(backward, split)[::-1]


def test_more_documents_move_none_from_one_split_to_the_other(tmp_path: Path) -> None:
    few, many = run(tmp_path / "one", lines_in(tmp_path, TEXTS[:200])), run(tmp_path / "two", lines_in(tmp_path, TEXTS))
    for split in ("train", "heldout"):
        assert {row.text for row in rows(few, split)} == {row.text for row in rows(many, split)} & set(TEXTS[:200])


def test_a_test_split_takes_nothing_from_the_held_out_one(tmp_path: Path) -> None:
    source = lines_in(tmp_path, TEXTS)
    without, with_test = run(tmp_path / "one", source, held_out=0.1), run(tmp_path / "two", source, held_out=0.1, test=0.2)
    assert rows(without, "heldout") == rows(with_test, "heldout")
    assert 50 <= len(rows(with_test, "test")) <= 110
    assert sorted(texts(with_test)) == sorted(TEXTS)


def test_documents_stand_in_the_order_of_reading(tmp_path: Path) -> None:
    result = run(tmp_path / "run", lines_in(tmp_path, TEXTS, "in/a.jsonl"), lines_in(tmp_path, ["last of all", "x"], "b.jsonl"), **SMALL)
    train = [document.text for document in rows(result, "train")]
    assert train == [text for text in [*TEXTS, "last of all", "x"] if text in set(train)]


def test_copies_are_dropped_and_counted_across_sources(tmp_path: Path) -> None:
    sources = (lines_in(tmp_path, TEXTS + TEXTS[:10], "a.jsonl"), lines_in(tmp_path, TEXTS[:5], "b.jsonl"))
    result = run(tmp_path / "run", *sources)
    assert result.value("examples") == 400
    assert (result.evidence["duplicates"].value, result.evidence["duplicates"].of) == (15, 415)


def test_of_copies_in_several_units_the_first_stays(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    lines_in(folder, TEXTS, "a.jsonl")
    lines_in(folder, ["new", *TEXTS[::-1]], "b.jsonl.gz")
    result = run(tmp_path / "run", source_at(folder), lines_in(tmp_path, [TEXTS[7], "newer"], "c.jsonl"), **SMALL)
    wanted = [*TEXTS, "new", "newer"]
    train = [row.text for row in rows(result, "train")]
    assert train == [text for text in wanted if text in set(train)]
    assert sorted(texts(result)) == sorted(wanted)
    one, other = Documents(result.out).facts["sources"]  # type: ignore[misc]
    assert [one[name] for name in ("read", "kept", "duplicates")] == [801, 401, 400]
    assert [other[name] for name in ("read", "kept", "duplicates")] == [2, 1, 1]


def test_facts_of_each_source_are_written(tmp_path: Path) -> None:
    source = lines_in(tmp_path, [*TEXTS[:99], "é" * 100], licence="CC0", weight=0.5)
    result = run(tmp_path / "run", source, GeneratorSource(examples=20))
    facts = Documents(result.out).facts
    read, made = facts["sources"]  # type: ignore[misc]
    assert (read["kind"], read["path"], read["licence"], read["weight"]) == ("file", "a.jsonl", "CC0", 0.5)
    assert read["bytes"] == sum(len(text) for text in TEXTS[:99]) + 200
    assert read["train"] + read["heldout"] == 100
    assert made["generate"] == {"examples": 20, "seed": 42, "composition": {"base": 1.0}}
    assert facts["characters"]["shortest"] == len(TEXTS[0])  # type: ignore[index]
    assert result.value("bytes") == read["bytes"] + made["bytes"]


def test_max_documents_holds_over_all_files_in_order(tmp_path: Path) -> None:
    for name, part in (("a.jsonl.gz", TEXTS[:100]), ("b.jsonl", TEXTS[100:200]), ("c.jsonl", TEXTS[200:])):
        lines_in(tmp_path / "in", part, name)
    result = run(tmp_path / "run", source_at(tmp_path / "in", max_documents=150), workers=2)
    assert sorted(texts(result)) == sorted(TEXTS[:150])


def test_few_broken_lines_are_tolerated_counted_and_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("{\n" + "".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    result = run(tmp_path / "run", source_at(path), max_bad_lines=0.01)
    assert (result.evidence["broken"].value, result.evidence["broken"].of) == (1, 401)
    named = Documents(result.out).facts["broken_named"]
    assert isinstance(named, list)
    assert len(named) == 1
    assert named[0].startswith("a.jsonl:1: bad JSON")


def test_broken_lines_of_later_units_are_named_by_their_line_in_the_file(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        lines = [json.dumps({"text": name + text}) + "\n" for text in TEXTS]
        lines[200], lines[399] = "{\n", "\n"
        (tmp_path / name).write_text("".join([*lines, "{"]))
    result = run(tmp_path / "run", source_at(tmp_path / "a.jsonl"), source_at(tmp_path / "b.jsonl"), max_bad_lines=0.1, **SMALL)
    named = Documents(result.out).facts["broken_named"]
    assert isinstance(named, list)
    assert [name.split(": ")[0] for name in named] == ["a.jsonl:201", "a.jsonl:401", "b.jsonl:201", "b.jsonl:401"]


def test_too_many_broken_lines_are_refused_with_the_first_ten(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("{\n" * 12 + "".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    with pytest.raises(NodeError, match=r"12 of 412 records are broken, more than the 1\.00%") as refused:
        run(tmp_path / "run", source_at(path))
    assert refused.value.message.count("a.jsonl:") == 10
    assert refused.value.hint is not None


@pytest.mark.parametrize(("name", "cut"), [("a.jsonl.gz", -20), ("a.jsonl.zst", -20), ("a.parquet", -50)])
def test_a_damaged_file_fails_the_node_unless_it_is_allowed(tmp_path: Path, name: str, cut: int) -> None:
    lines_in(tmp_path / "in", TEXTS)
    if name == "a.parquet":
        parquet.write_table(pa.table({"text": TEXTS}), tmp_path / "in" / name)
    else:
        lines_in(tmp_path / "in", TEXTS, name)
    whole = (tmp_path / "in" / name).read_bytes()
    (tmp_path / "in" / name).write_bytes(whole[:cut])
    with pytest.raises(NodeError, match=rf"{re.escape(name)}: the .* damaged: .*; \d+ documents of it were read") as refused:
        run(tmp_path / "run", source_at(tmp_path / "in"), max_bad_lines=1.0)
    assert "data.allow_damaged" in str(refused.value.hint)
    result = run(tmp_path / "other", source_at(tmp_path / "in"), allow_damaged=True)
    assert result.evidence["broken"].value == 1
    assert any(name in warning for warning in warnings(result))


def test_broken_records_within_the_limit_are_told_with_the_first(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS) + "{\n" * 4)
    (told,) = warnings(run(tmp_path / "run", source_at(path), max_bad_lines=0.01))
    assert told.startswith("4 of 404 records are broken and left out; the first: a.jsonl:401: bad JSON")
    assert told.count("a.jsonl:") == 3


def test_what_is_not_read_in_a_folder_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    lines_in(folder, TEXTS, "UP.JSONL")
    lines_in(tmp_path / "elsewhere", ["not read"])
    for name in ("b.json", "c.csv"):
        (folder / name).write_text("x")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "nowhere.jsonl").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe.jsonl")
    result = run(tmp_path / "run", source_at(folder))
    assert sorted(texts(result)) == sorted(TEXTS)
    (told,) = warnings(result)
    assert told.startswith("in in 5 entries are not read: b.json, c.csv, link, nowhere.jsonl, pipe.jsonl; what is read ends in .jsonl")


def test_a_name_that_is_no_utf_8_is_read_and_shown(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, line in (
        (b"caf\xe9.jsonl", b'{"text": "one"}\n{\n'),
        (b"\xff.txt", b"two"),
        (b"\xfe.jsonl.gz", gzip.compress(b'{"text": "three"}')),
    ):
        Path(os.fsdecode(bytes(folder) + b"/" + name)).write_bytes(line)
    parquet.write_table(pa.table({"text": ["four", *TEXTS]}), folder / "a.parquet")
    (folder / "a.parquet").rename(os.fsdecode(bytes(folder) + b"/\xfd.parquet"))
    result = run(tmp_path / "run", source_at(folder), workers=2)
    assert sorted(texts(result)) == sorted([*TEXTS, "one", "two", "three", "four"])
    (named,) = Documents(result.out).facts["broken_named"]  # type: ignore[misc]
    assert named.startswith(r"caf\xe9.jsonl:2: bad JSON")


def test_the_name_of_a_file_is_part_of_what_is_read() -> None:
    keys = []
    for name in ("a.jsonl", "b.jsonl", "c.NDJSON", "a.txt", "a.jsonl.gz", "a"):
        (node,) = DataStage().expand(spec({"path": name}), Facts("cpu:test x2", digests={name: "d"}, paths={name: f"/x/{name}"}))
        keys.append(fingerprint(identity(node.config)))
    assert keys[0] == keys[1] == keys[2]
    assert len(set(keys)) == 4


def test_an_empty_file_among_others_is_named_in_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines_in(tmp_path / "in", TEXTS, "a.jsonl")
    lines_in(tmp_path / "in", [], "b.jsonl.gz")
    (tmp_path / "in" / "c.txt").write_bytes(b"")
    result = run(tmp_path / "run", source_at(tmp_path / "in"))
    assert result.value("examples") == 400
    said = capsys.readouterr().out
    assert "b.jsonl.gz is empty" in said
    assert "c.txt is empty" in said
    assert "a.jsonl is empty" not in said


@pytest.mark.parametrize("content", ["", "\n\n", '{"text": "only one"}\n'])
def test_a_split_without_documents_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(content)
    with pytest.raises(NodeError, match="none is a"):
        run(tmp_path / "run", source_at(path))


def spec(*sources: dict[str, object], **settings: object) -> Spec:
    fields = {"version": 1, "name": "x", "model": {"preset": "ryot-tiny"}, "data": {"sources": sources, **settings}, "train": {"epochs": 1}}
    return Spec.model_validate(fields)


def test_expand_makes_one_node_with_the_measures_of_its_sources() -> None:
    (node,) = DataStage().expand(spec({"generate": {"examples": 50, "domains": ["physics"]}}), Facts("cpu:test x2"))
    assert (node.name, node.stage) == ("data", "data")
    assert isinstance(node.config, Config)
    (source,) = node.config.sources
    assert isinstance(source, GeneratorSource)
    assert (source.examples, source.domains) == (50, ("physics",))
    assert sum(source.composition.values()) == pytest.approx(1)
    assert "wrong_answers" in {measure.name for measure in node.measures}
    facts = Facts("cpu:test x2", digests={"a.txt": "d1"}, paths={"a.txt": "/data/a.txt"})
    (local,) = DataStage().expand(spec({"path": "a.txt", "max_documents": 7}), facts)
    assert "wrong_answers" not in {measure.name for measure in local.measures}


def test_identity_holds_the_digest_and_not_the_place() -> None:
    found = []
    for written, digest, place in (("a.txt", "d1", "/x/a.txt"), ("in/b.txt", "d1", "/y/b.txt"), ("a.txt", "d2", "/x/a.txt")):
        facts = Facts("cpu:test x2", digests={written: digest}, paths={written: place})
        (node,) = DataStage().expand(spec({"path": written}), facts)
        found.append(fingerprint(identity(node.config)))
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_identity_knows_neither_notes_nor_workers() -> None:
    facts = Facts("cpu:test x2", digests={"a.txt": "d1"}, paths={"a.txt": "/x/a.txt"})
    plain, noted = {"path": "a.txt"}, {"path": "a.txt", "weight": 1.0, "licence": "CC0"}
    one, two, three = spec(plain), spec(noted), spec(plain, workers=3, ray="auto")
    keys = {fingerprint(identity(node.config)) for written in (one, two, three) for node in DataStage().expand(written, facts)}
    assert len(keys) == 1
    (other,) = DataStage().expand(spec(plain, max_line="1MiB"), facts)
    assert fingerprint(identity(other.config)) not in keys


def test_path_without_a_digest_is_refused() -> None:
    with pytest.raises(SpecError, match=r"names a\.txt, which is not there"):
        list(DataStage().expand(spec({"path": "a.txt"}), Facts("cpu:test x2")))


def test_a_problem_and_its_twins_are_in_one_split(tmp_path: Path) -> None:
    kinds = {"base": 0.4, "paraphrased": 0.3, "scaled": 0.2, "adversarial": 0.1}
    result = run(tmp_path, GeneratorSource(examples=600, domains=("mathematics", "physics"), composition=kinds), held_out=0.3)
    splits: dict[str, set[str]] = {}
    for shard in Documents(result.out).shards:
        for document in Documents(result.out).read(shard):
            twin = next((document.meta[name] for name in TWINS if name in document.meta), document.meta["question"])
            splits.setdefault(str(twin), set()).add(shard.split)
    assert sum(len(found) > 1 for found in splits.values()) == 0
    assert {"train", "heldout"} == set().union(*splits.values())
    assert len(splits) < 500  # many have twins


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_changes_while_it_is_read_fails_the_node(tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    source = lines_in(tmp_path / "in", TEXTS, "a.jsonl")
    lines_in(tmp_path / "in", ["later"], "b.jsonl")
    source = source_at(tmp_path / "in")
    as_planned = (tmp_path / "in" / "b.jsonl").read_bytes()

    def digested_then_changed(*given: Any) -> Any:
        found = units_of(*given)
        (tmp_path / "in" / "b.jsonl").write_text('{"text": "tampered"}\n')
        return found

    with monkeypatch.context() as patched:
        patched.setattr("ryot.stages.data.work.units_of", digested_then_changed)
        with pytest.raises(NodeError, match=r"in/b\.jsonl changed while it was read"):
            run(tmp_path / "run", source, workers=workers)
    (tmp_path / "in" / "b.jsonl").write_bytes(as_planned)
    again = run(tmp_path / "run", source, workers=workers)
    assert "later" in texts(again)
    assert "tampered" not in texts(again)
