"""Hub data sets: rows become documents, and no network is an error that says what to do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ryot.plugins import Document
from ryot.stages.data.records import Broken
from ryot.stages.data.stage import HubSource

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


def test_no_network_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    code = (
        "from ryot.plugins import NodeError\nfrom ryot.stages.data.hub import read_hub\nfrom ryot.stages.data.stage import HubSource\n"
        "try:\n    list(read_hub(HubSource(dataset='owner/name')))\nexcept NodeError as error:\n    print('REFUSED', error)\n"
    )
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=True)
    assert "REFUSED cannot read owner/name from the hub: " in run.stdout
    assert "give local files with `path:`" in run.stdout
