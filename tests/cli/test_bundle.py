"""A run's evidence, judged where nothing else of it is."""

import json
import zipfile
from pathlib import Path

import pytest

from ryot.cli.main import run

pytestmark = pytest.mark.heavy
SPEC = """\
version: 1
name: small
model: {preset: ryot-tiny}
data: {sources: [{generate: {examples: 40}}]}
train: {steps: 2}
targets: [data/examples >= 30, data/wrong_answers == 0, {measure: data/examples, at_least: 50, priority: should}]
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """The evidence of a run of one stage; its store is gone."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "small.yaml").write_text(SPEC)
    run(["apply", str(folder / "small.yaml"), "--until", "data", "--store", str(folder / "store")])
    assert run(["report", "--store", str(folder / "store"), "--bundle", str(folder / "evidence.zip")]) == 0
    (folder / "store").rename(folder / "moved")
    return folder / "evidence.zip"


def judged(path, capsys) -> tuple[int, dict[str, str]]:
    code = run(["check", str(path), "--json"])
    found = json.loads(capsys.readouterr().out)
    return code, {verdict["target"]: verdict["status"] for verdict in found["verdicts"]}


def test_every_verdict_is_derived_anew(bundle, capsys, monkeypatch, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    code, found = judged(bundle, capsys)
    assert (code, found["data/examples >= 30"], found["data/wrong_answers == 0"]) == (0, "PASS", "PASS")
    assert not list(elsewhere.iterdir())


def test_it_holds_no_document_and_no_log(bundle):
    with zipfile.ZipFile(bundle) as opened:
        names = {Path(name).name for name in opened.namelist()}
    assert {"record.json", "evidence.json", "spec.yaml", "plan.json", "journal.jsonl", "bundle.json"} <= names
    assert not any(name.endswith((".txt", ".safetensors")) or "shard" in name for name in names)


def test_it_is_judged_as_it_was(bundle, capsys):
    assert run(["check", str(bundle), "--set", "targets=[]"]) == 2
    assert "as it was" in capsys.readouterr().err
