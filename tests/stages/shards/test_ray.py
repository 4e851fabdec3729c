"""Shards on Ray: two nodes on one machine give the same bytes as processes; a cluster that is not there is named."""

from pathlib import Path

import pytest

from ryot.plugins import NodeError, digest_path
from ryot.plugins.testing import run_stage
from ryot.stages.data.stage import Config, DataStage, FileSource
from ryot.stages.filter.stage import Config as FilterConfig
from ryot.stages.filter.stage import FilterStage, measures_of
from ryot.stages.tokenizer.stage import Config as TokenizerConfig
from ryot.stages.tokenizer.stage import TokenizerStage

pytestmark = pytest.mark.e2e


def source(folder: Path) -> FileSource:
    lines = [f'{{"text": "document {number % 400} says {number % 400 * 7}, and a word of its own"}}\n' for number in range(1000)]
    for part in range(4):
        (folder / f"{part}.jsonl").write_text("".join(lines[part::4]))
    return FileSource(digest=digest_path(folder), written="texts", path=str(folder))


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


FILTERS = {"score": {"drop_lowest": 0.2}, "near_duplicates": {"threshold": 0.8, "shingle": 3, "seed": 1}}


def pipeline(folder: Path, given: FileSource, **place: object) -> dict[str, bytes]:
    """The documents, what two filters leave of them, and the tokens, as bytes by file."""
    documents = run_stage(DataStage(), Config(sources=(given,), **place), folder / "data").out
    found = files(documents)
    for kind, settings in FILTERS.items():
        config = FilterConfig.model_validate({"settings": {"kind": kind, **settings}, **place})
        result = run_stage(FilterStage(), config, folder / kind, inputs={"documents": documents}, measures=measures_of(kind))
        documents = result.out
        found |= {f"{kind}/{name}": content for name, content in files(documents).items()}
    inputs = {"documents": documents}
    tokens = run_stage(TokenizerStage(), TokenizerConfig(vocab_size=300, context=64, **place), folder / "tokenizer", inputs=inputs)
    return {**found, **files(tokens.out)}


def test_two_ray_nodes_give_the_same_shards_as_processes(tmp_path: Path, ray_cluster: str) -> None:
    (tmp_path / "texts").mkdir()
    given = source(tmp_path / "texts")
    assert pipeline(tmp_path / "ray", given, ray=ray_cluster) == pipeline(tmp_path / "processes", given, workers=2)


def test_a_cluster_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    with pytest.raises(NodeError, match=r"cannot join the Ray cluster 127\.0\.0\.1:1:") as caught:
        run_stage(DataStage(), Config(sources=(source(tmp_path / "texts"),), ray="127.0.0.1:1"), tmp_path / "data")
    assert "data.ray" in str(caught.value.hint)
