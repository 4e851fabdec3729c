"""`ryot plan`: nodes with states and reasons, the parameter count, the audited claims; and nothing is changed by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ryot.cli.main import run
from ryot.cli.request import resolve
from ryot.store.journal import begin
from tests.store.finish import NOW, finish_node

ROOT = Path(__file__).parent.parent.parent
TINY = str(ROOT / "specs" / "tiny.yaml")


def plan(capsys: pytest.CaptureFixture[str], store: Path, *arguments: str) -> dict[str, Any]:
    """What `ryot plan --json` prints."""
    assert run(["plan", TINY, "--json", "--store", str(store), *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    return found


def test_json_has_what_is_promised(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    found = plan(capsys, tmp_path / "store")
    assert found["version"] == 1
    assert all({"name", "stage", "key", "state", "why"} <= set(node) for node in found["nodes"])
    assert {node["state"] for node in found["nodes"]} <= {"cached", "runs", "waits"}
    assert found["estimates"]["params"] > 100_000
    assert found["claims"][0] | {"formula": ""} == {
        "claim": "params", "claimed": 116_000, "computed": found["estimates"]["params"], "ok": True, "formula": "", "unit": "",
    }  # fmt: skip
    assert len(found["targets"]) == len(found["evidence"]) == 8
    assert isinstance(found["estimates"]["params"], int)
    assert {"provided", "needed", "ok", "words", "measure"} <= set(found["evidence"][0])
    assert found["refusals"] == []


def test_plan_leaves_no_trace(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert run(["plan", TINY]) == 0
    assert list(here.iterdir()) == []


def test_finished_node_is_cached_and_the_next_one_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    store = tmp_path / "store"
    finish_node(store, next(node["payload"] for node in json.loads(planned(tmp_path))["nodes"] if node["name"] == "data"))
    states = {node["name"]: (node["state"], node["why"]) for node in plan(capsys, store)["nodes"]}
    assert states["data"] == ("cached", "finished")
    assert states["tokenizer"] == ("runs", "never ran")
    assert states["train.baseline"] == ("waits", "never ran; waits for tokenizer")


def test_changed_field_is_the_reason_to_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    store = tmp_path / "store"
    before = planned(tmp_path)
    begin(store / "runs", "tiny", NOW, Path(TINY).read_text(), before)
    for node in json.loads(before)["nodes"]:
        if not node["is_service"]:
            finish_node(store, node["payload"])
    assert {node["state"] for node in plan(capsys, store)["nodes"]} == {"cached"}
    whys = {node["name"]: node["why"] for node in plan(capsys, store, "--set", "optimize.stack.0.kernel.level=2")["nodes"]}
    assert whys["train.baseline"] == "finished"
    assert "level 1 -> 2" in whys["train.optimized"]
    assert whys["export"].startswith("its input train.optimized changes; waits for train.optimized")


def planned(tmp_path: Path) -> str:
    return resolve(Path(TINY), None, (), (), tmp_path / "store").plan.model_dump_json()


def test_terminal_shows_every_node_and_the_refuted_claim(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["plan", TINY, "--store", str(tmp_path), "--set", "claims.params=1M"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in ("data", "train.optimized", "bench.batch8", "10 to run"))
    assert "REFUTED" in said


@pytest.mark.parametrize("profile", ["cpu", "none"])
def test_profile_that_is_asked_for_is_used(capsys: pytest.CaptureFixture[str], tmp_path: Path, profile: str) -> None:
    assert run(["plan", str(ROOT / "specs" / "phase3.yaml"), "--json", "--store", str(tmp_path), "--profile", profile]) == 0
    assert json.loads(capsys.readouterr().out)["profile"] == (None if profile == "none" else profile)


def test_plan_until_a_node_shows_only_what_it_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", TINY, "--until", "tokenizer", "--store", str(tmp_path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "2 nodes" in said
    assert "Not looked at, as their nodes come after tokenizer: " in said
    assert run(["plan", TINY, "--until", "tokeniser", "--store", str(tmp_path)]) == 2
    assert "did you mean tokenizer?" in capsys.readouterr().err
