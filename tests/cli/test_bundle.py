"""A run's evidence, judged where nothing else of it is: also that of several looks at a growing sample."""

import json
import re
import zipfile
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import pytest

from ryot.cli.main import run
from tests.conftest import TOYS

pytestmark = pytest.mark.heavy
SPEC = """\
version: 1
name: small
model: {preset: ryot-tiny}
data: {sources: [{generate: {examples: 40}}]}
train: {steps: 2}
stages: [{use: draw, after: data}]
targets:
  - data/examples >= 30
  - data/wrong_answers == 0
  - draw/latency_p95 < 100s
  - {measure: data/examples, at_least: 50, priority: should}
"""
ONE_LOOK = "at 98.75 %; look 3 of at most 4, each at 98.75 %, all together at 95 %"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """The evidence of a run of two stages, one of them in three rounds; its store is gone."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "small.yaml").write_text(SPEC)
    toys = ["--plugins", str(TOYS), "--store", str(folder / "store")]
    with redirect_stderr(StringIO()) as told:
        assert run(["apply", str(folder / "small.yaml"), "--until", "draw", "--until-conclusive", *toys]) == 0
    (folder / "told.txt").write_text(told.getvalue())
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
    assert (code, {*found.values()}) == (0, {"PASS", "FAIL"})
    assert found["data/examples >= 50"] == "FAIL"  # a should-target
    assert not list(elsewhere.iterdir())


def test_it_holds_no_document_and_no_log(bundle):
    with zipfile.ZipFile(bundle) as opened:
        names = {Path(name).name for name in opened.namelist()}
    assert {"record.json", "evidence.json", "spec.yaml", "plan.json", "journal.jsonl", "bundle.json"} <= names
    assert not any(name.endswith((".txt", ".safetensors")) or "shard" in name for name in names)


def test_it_is_judged_as_it_was(bundle, capsys):
    assert run(["check", str(bundle), "--set", "targets=[]"]) == 2
    assert "as it was" in capsys.readouterr().err


def test_apply_says_what_it_promises_and_what_each_look_shows(bundle):
    told = (bundle.parent / "told.txt").read_text()
    assert "draw: at most 4 looks, each at 98.75 %, so that all together hold at 95 %" in told
    looks = re.findall(r"look (\d)    draw \(of at most 4\): (.*)", told)
    assert [look for look, _ in looks] == ["1", "2", "3"]
    assert looks[0][1].endswith("INCONCLUSIVE, about 46 more requests needed, the 3 rounds left bring 120; round 2 follows")


def test_looks_are_judged_offline_as_was_promised(bundle, capsys):
    run(["check", str(bundle), "--json"])
    (verdict,) = [each for each in json.loads(capsys.readouterr().out)["verdicts"] if each["measure"] == "draw/latency_p95"]
    assert (verdict["status"], verdict["n"], verdict["looks"], verdict["promised"]) == ("PASS", 120, 3, 4)
    assert (verdict["confidence"], verdict["level"]) == (0.95, pytest.approx(0.9875))
    assert verdict["reason"].endswith(ONE_LOOK)


@pytest.mark.parametrize("verb", ["plan", "check", "apply"])
def test_every_later_verb_knows_the_rounds(bundle, verb, tmp_path, capsys):
    spec, store = str(bundle.parent / "small.yaml"), str(bundle.parent / "moved")
    options = ["--until", "draw"] if verb != "check" else ["--set", "targets=[draw/latency_p95 < 100s]"]
    assert run([verb, spec, *options, "--plugins", str(TOYS), "--store", store]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "draw#3" in said
    assert verb == "plan" or ONE_LOOK in said


def test_rounds_alone_are_a_usage_error(bundle, capsys):
    assert run(["apply", str(bundle.parent / "small.yaml"), "--rounds", "3"]) == 2
    assert "add --until-conclusive" in capsys.readouterr().err


def test_status_of_a_run_says_what_became_of_each_round(bundle, capsys):
    store = bundle.parent / "moved"
    first = sorted((store / "runs").iterdir())[0].name
    assert run(["status", "--run", first, "--store", str(store), "--json"]) == 0
    nodes = json.loads(capsys.readouterr().out)["nodes"]
    assert {node["name"]: node["state"] for node in nodes} == dict.fromkeys(("data", "draw", "draw#2", "draw#3"), "finished")
