"""The node `data`: split, copies, broken records, order, and that the same Config gives the same bytes."""

import json
from pathlib import Path

import pytest

from ryot.fingerprint import fingerprint
from ryot.plugins import Facts, NodeError, Spec, SpecError, digest_path
from ryot.plugins.stage import identity
from ryot.plugins.testing import StageResult, run_stage
from ryot.stages.data.generator.generate import cells_of
from ryot.stages.data.stage import Config, DataStage, FileSource, GeneratorSource, measures_of


def run(folder: Path, *sources: FileSource | GeneratorSource, **settings: float) -> StageResult:
    config = Config(sources=sources, **settings)
    return run_stage(DataStage(), config, folder, measures=measures_of(config))


def rows(result: StageResult, split: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (result.out / f"{split}.jsonl").read_text(encoding="utf-8").split("\n")[:-1]]


def lines_in(folder: Path, texts: list[str], name: str = "a.jsonl") -> FileSource:
    path = folder / name
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return FileSource(digest=digest_path(path), written=name, path=str(path))


TEXTS = [f"document {number}" for number in range(400)]


def test_generated_documents_are_split_and_counted(tmp_path: Path) -> None:
    result = run(tmp_path, GeneratorSource(examples=600), held_out=0.1)
    train, heldout = rows(result, "train"), rows(result, "heldout")
    assert len(train) + len(heldout) == result.value("examples") == 600
    assert 30 <= len(heldout) == result.value("heldout") <= 90
    assert result.value("wrong_answers") == 0
    assert result.evidence["wrong_answers"].of is not None
    assert result.evidence["wrong_answers"].of >= 600
    assert result.value("cells") == len(cells_of(GeneratorSource(examples=1)))
    assert not {row["id"] for row in train} & {row["id"] for row in heldout}
    counts = json.loads((result.out / "documents.json").read_text())
    assert (counts["train"], counts["heldout"]) == (len(train), len(heldout))


def test_a_second_run_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = (run(tmp_path / name, GeneratorSource(examples=100), lines_in(tmp_path, TEXTS)) for name in ("one", "two"))
    for name in ("train.jsonl", "heldout.jsonl", "documents.json"):
        assert (one.out / name).read_bytes() == (two.out / name).read_bytes()


def test_split_and_order_do_not_depend_on_the_order_of_the_lines(tmp_path: Path) -> None:
    forward = run(tmp_path / "one", lines_in(tmp_path, TEXTS, "a.jsonl"))
    backward = run(tmp_path / "two", lines_in(tmp_path, TEXTS[::-1], "b.jsonl"))
    for name in ("train.jsonl", "heldout.jsonl"):
        assert (forward.out / name).read_bytes() == (backward.out / name).read_bytes()


def test_more_documents_move_none_from_one_split_to_the_other(tmp_path: Path) -> None:
    few, many = run(tmp_path / "one", lines_in(tmp_path, TEXTS[:200])), run(tmp_path / "two", lines_in(tmp_path, TEXTS))
    for split in ("train", "heldout"):
        assert {str(row["text"]) for row in rows(few, split)} == {row["text"] for row in rows(many, split)} & set(TEXTS[:200])


def test_seed_shuffles_the_order_and_not_the_split(tmp_path: Path) -> None:
    source = lines_in(tmp_path, TEXTS)
    one, two = (rows(run(tmp_path / str(seed), source, seed=seed), "train") for seed in (1, 2))
    assert one != two
    assert sorted(str(row["id"]) for row in one) == sorted(str(row["id"]) for row in two)
    assert [row["text"] for row in one] != [text for text in TEXTS if text in {row["text"] for row in one}]


def test_copies_are_dropped_and_counted_across_sources(tmp_path: Path) -> None:
    sources = (lines_in(tmp_path, TEXTS + TEXTS[:10], "a.jsonl"), lines_in(tmp_path, TEXTS[:5], "b.jsonl"))
    result = run(tmp_path / "run", *sources)
    assert result.value("examples") == 400
    assert (result.evidence["duplicates"].value, result.evidence["duplicates"].of) == (15, 415)


def test_few_broken_lines_are_tolerated_counted_and_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("{\n" + "".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    source = FileSource(digest=digest_path(path), written="in/a.jsonl", path=str(path))
    result = run(tmp_path / "run", source, max_bad_lines=0.01)
    assert (result.evidence["broken"].value, result.evidence["broken"].of) == (1, 401)
    named = json.loads((result.out / "documents.json").read_text())["broken_named"]
    assert len(named) == 1
    assert named[0].startswith("a.jsonl:1: bad JSON")


def test_too_many_broken_lines_are_refused_with_the_first_ten(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("{\n" * 12 + "".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    source = FileSource(digest=digest_path(path), written="a.jsonl", path=str(path))
    with pytest.raises(NodeError, match=r"12 of 412 records are broken, more than the 1\.00%") as refused:
        run(tmp_path / "run", source)
    assert refused.value.message.count("a.jsonl:") == 10
    assert refused.value.hint is not None


@pytest.mark.parametrize("content", ["", "\n\n", '{"text": "only one"}\n'])
def test_a_split_without_documents_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(content)
    with pytest.raises(NodeError, match="none is a"):
        run(tmp_path / "run", FileSource(digest=digest_path(path), written="a.jsonl", path=str(path)))


def spec(*sources: dict[str, object]) -> Spec:
    fields = {"version": 1, "name": "x", "model": {"preset": "ryot-tiny"}, "data": {"sources": sources}, "train": {"epochs": 1}}
    return Spec.model_validate(fields)


def test_expand_makes_one_node_with_the_measures_of_its_sources() -> None:
    (node,) = DataStage().expand(spec({"generate": {"examples": 50, "domains": ["physics"]}}), Facts("cpu:test x2"))
    assert (node.name, node.stage) == ("data", "data")
    assert isinstance(node.config, Config)
    assert node.config.sources == (GeneratorSource(examples=50, domains=("physics",)),)
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


def test_path_without_a_digest_is_refused() -> None:
    with pytest.raises(SpecError, match=r"names a\.txt, which is not there"):
        list(DataStage().expand(spec({"path": "a.txt"}), Facts("cpu:test x2")))
