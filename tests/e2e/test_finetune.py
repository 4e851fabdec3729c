"""specs/finetune.yaml with the real engines: train, finetune, align, export; then what must not run again does not. Their own
tests kill them; `kill.py --spec specs/finetune.yaml` kills the whole as often as one likes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ryot.store.store import Store
from tests.e2e import kill

pytestmark = pytest.mark.e2e
SPEC = str(kill.TINY.parent / "finetune.yaml")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("finetune")


@pytest.fixture(scope="module")
def seconds(folder: Path) -> float:
    """The undisturbed run; its store is `reference`."""
    return kill.undisturbed([SPEC], folder / "reference")


def ryot(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "ryot.cli.main", *arguments], capture_output=True, text=True, check=False)


def test_every_node_is_finished_and_every_must_target_passes(folder: Path, seconds: float) -> None:
    report = json.loads(ryot("check", SPEC, "--store", str(folder / "reference"), "--json").stdout)
    assert {node["state"] for node in report["nodes"]} == {"finished"}
    assert {verdict["status"] for verdict in report["verdicts"] if verdict["priority"] == "must"} == {"PASS"}
    assert all(verdict["status"] != "ERROR" for verdict in report["verdicts"])


def test_what_was_foreseen_of_the_adapters_is_what_was_trained(folder: Path, seconds: float) -> None:
    planned = json.loads(ryot("plan", SPEC, "--store", str(folder / "reference"), "--json").stdout)
    store = Store(folder / "reference")
    for record in store.records():
        if record.node in ("finetune", "align"):
            assert planned["predictions"][f"{record.node}/trainable"]["value"] == store.evidence(record)["trainable"].value
    assert planned["estimates"]["unreckoned"] == ["finetune", "align"]


def test_the_exported_model_is_the_aligned_one(folder: Path, seconds: float) -> None:
    store = Store(folder / "reference")
    keys = {record.node: record.key for record in store.records()}
    (exported,) = (record for record in store.records() if record.node == "export")
    assert exported.payload["inputs"]["weights"] == keys["align"]


def test_a_changed_alignment_does_not_fine_tune_again(folder: Path, seconds: float) -> None:
    done = ryot("plan", SPEC, "--store", str(folder / "reference"), "--set", "align.beta=0.2", "--json")
    states = {node["name"]: node["state"] for node in json.loads(done.stdout)["nodes"]}
    assert [name for name, state in states.items() if state == "cached"] == ["data", "tokenizer", "train", "finetune"]
