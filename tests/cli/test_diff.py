"""`ryot diff` on real runs of one stage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ryot.cli.diff import changed
from ryot.cli.main import run
from ryot.store.journal import all_runs

pytestmark = pytest.mark.heavy
SPEC = """\
version: 1
name: small
model: {preset: ryot-tiny}
data: {sources: [{generate: {examples: 60}}]}
train: {steps: 2}
targets: [data/examples >= 50, data/wrong_answers == 0]
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs: 60 examples, the same again, 40 with one target less."""
    folder = tmp_path_factory.mktemp("runs")
    spec = folder / "small.yaml"
    for text in (SPEC, SPEC, SPEC.replace("60", "40").replace(", data/wrong_answers == 0", "")):
        spec.write_text(text)
        run(["apply", str(spec), "--until", "data", "--store", str(folder / "store")])
    return folder / "store"


def ids(store: Path) -> list[str]:
    return [run.id for run in all_runs(store / "runs")]


def test_the_last_two_runs_are_compared_and_what_a_target_asks_for_less_of_is_worse(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["diff", "--store", str(store)]) == 1
    said = capsys.readouterr().out
    assert "data.sources[0].generate.examples  60" in said
    assert "target" in said
    assert "data/wrong_answers == 0" in said
    assert "PASS -> FAIL: data/examples >= 50" in said
    assert said.rstrip().endswith("Worse: data/examples")


def test_the_same_spec_twice_is_no_difference(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, _ = ids(store)
    assert run(["diff", first, second, "--store", str(store), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["spec"] == []
    assert {measure["change"] for measure in told["measures"]} == {"same"}
    assert told["outcome"] == "No regression"


def test_runs_that_are_none_or_more_than_one_are_told(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", "20", "--store", str(store)]) == 2
    assert "3 runs begin with 20" in capsys.readouterr().err
    assert run(["diff", "x", "--store", str(store)]) == 2
    assert run(["diff", "--store", str(store / "none")]) == 2


def test_only_leaves_that_differ_are_told() -> None:
    before = {"a": {"b": 1, "c": [1, 2]}, "d": None, "e": [1]}
    after = {"a": {"b": 2, "c": [1, 3]}, "d": None, "e": [1, 2], "f": "x"}
    assert list(changed(before, after)) == [("a.b", "1", "2"), ("a.c[1]", "2", "3"), ("e", "[1]", "[1, 2]"), ("f", "", '"x"')]
    assert list(changed(before, before)) == []
