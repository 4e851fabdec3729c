"""Hub data sets: rows become documents, and no network is an error that says what to do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ryot.plugins import Document, Documents
from ryot.plugins.testing import context_in, run_stage
from ryot.stages.data.records import Broken
from ryot.stages.data.stage import Config, DataStage, HubSource
from ryot.stages.data.units import units_of

pytestmark = pytest.mark.heavy


def test_rows_become_documents_and_broken_rows_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("ryot.stages.data.hub")
    # A folder by that name below the working directory is read like the data set of the hub.
    folder = tmp_path / "owner" / "name"
    folder.mkdir(parents=True)
    rows = [{"text": "one"}, {"text": ""}, {"text": "two"}, {"text": "three"}]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    found = list(hub.read_hub(HubSource(dataset="owner/name", max_documents=2)))
    assert found == [Document.of("one"), Broken("owner/name", 2, "the text is empty"), Document.of("two")]


def dataset_of(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A data set `owner/NAME` in three files below the working directory. Returns its texts."""
    shards, folder = 3, folder / "owner" / name
    folder.mkdir(parents=True)
    texts = [f"shard {shard} row {row}" for shard in range(shards) for row in range(50)]
    for shard in range(shards):
        rows = [{"text": text} for text in texts[shard * 50 : shard * 50 + 50]] + [{"text": None}]
        (folder / f"train-{shard}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(folder.parents[1])
    monkeypatch.setenv("HF_HOME", str(folder.parents[1] / "home"))
    return texts


def test_each_file_of_the_hub_is_a_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ryot.stages.data.hub")
    wanted = dataset_of(tmp_path, "three", monkeypatch)
    config = Config(sources=(HubSource(dataset="owner/three", licence="CC0"),), max_bad_lines=0.1)
    one, two = (run_stage(DataStage(), config.model_copy(update={"workers": workers}), tmp_path / str(workers)) for workers in (1, 2))
    documents = Documents(one.out)
    assert len([shard for shard in documents.shards if shard.split == "train"]) == 3
    found = [document.text for split in ("train", "heldout") for document in documents.split(split)]
    assert sorted(found) == sorted(wanted)
    assert documents.facts["broken_named"] == [f"owner/three#{shard}:51: the field 'text' is null" for shard in range(3)]
    assert {path.name: path.read_bytes() for path in one.out.iterdir()} == {path.name: path.read_bytes() for path in two.out.iterdir()}


def test_max_documents_of_the_hub_holds_over_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ryot.stages.data.hub")
    wanted = dataset_of(tmp_path, "most", monkeypatch)
    config = Config(sources=(HubSource(dataset="owner/most", max_documents=70),), max_bad_lines=0.1)
    documents = Documents(run_stage(DataStage(), config, tmp_path / "run").out)
    assert sorted(document.text for split in ("train", "heldout") for document in documents.split(split)) == sorted(wanted[:70])


def test_the_commit_that_was_read_first_is_read_on(tmp_path: Path) -> None:
    context = context_in(tmp_path, DataStage(), events := [])
    (context.scratch / "hub-00.json").write_text('["abc", 2, 1000]')
    units = units_of(Config(sources=(HubSource(dataset="owner/name"),)), context, {})
    assert [(unit.revision, unit.shard, unit.size) for unit in units] == [("abc", 0, 500), ("abc", 1, 500)]
    assert "read at commit abc" in str(events)


@pytest.mark.parametrize("call", ["read_hub(HubSource(dataset='owner/name'))", "pin(HubSource(dataset='owner/name'))"])
def test_no_network_is_an_error_with_a_way_out(tmp_path: Path, call: str) -> None:
    code = (
        "from ryot.plugins import NodeError\nfrom ryot.stages.data.hub import pin, read_hub\nfrom ryot.stages.data.stage import HubSource\n"
        f"try:\n    list({call})\nexcept NodeError as error:\n    print('REFUSED', error)\n"
    )
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=True)
    assert "REFUSED cannot read owner/name from the hub: " in run.stdout
    assert "give local files with `path:`" in run.stdout
