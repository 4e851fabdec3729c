"""specs/tiny.yaml, shortened, with the real engines: once undisturbed, once killed; then what must not run again does not. Its server is
transformers', which starts in a tenth of the time; vLLM is in test_serve and elsewhere, and `python -m tests.e2e.kill` kills that too."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e import kill

pytestmark = pytest.mark.e2e
SHORT = ("serve.engine=transformers", "train.samples=96", "optimize.blocks=4", "evaluate.limit=10")
SPEC = [str(kill.TINY), *(part for field in SHORT for part in ("--set", field))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="module")
def seconds(folder: Path) -> float:
    """The undisturbed run; its store is `reference`."""
    return kill.undisturbed(SPEC, folder / "reference")


def ryot(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "ryot.cli.main", *arguments], capture_output=True, text=True, check=False)


def test_every_node_is_finished_and_every_target_judged(folder: Path, seconds: float) -> None:
    done = ryot("check", *SPEC, "--store", str(folder / "reference"), "--json")
    report = json.loads(done.stdout)
    assert done.returncode in kill.VERDICT
    assert {node["state"] for node in report["nodes"]} == {"finished", "service"}
    assert all(verdict["status"] != "ERROR" for verdict in report["verdicts"])
    assert {"target", "measure", "value", "low", "high", "status", "reason", "priority"} <= report["verdicts"][0].keys()


def test_second_apply_runs_nothing(folder: Path, seconds: float) -> None:
    done = ryot("apply", *SPEC, "--store", str(folder / "reference"))
    assert done.returncode in kill.VERDICT
    assert "0 of 10 nodes to run" in done.stderr


def test_changed_target_runs_nothing_and_changes_the_verdict(folder: Path, seconds: float) -> None:
    impossible = 'targets=["export/parameters == 1"]'
    done = ryot("apply", *SPEC, "--store", str(folder / "reference"), "--set", impossible)
    assert "0 of 10 nodes to run" in done.stderr
    assert done.returncode == 1


def test_changed_serve_flag_retrains_nothing(folder: Path, seconds: float) -> None:
    done = ryot("plan", *SPEC, "--store", str(folder / "reference"), "--set", "serve.max_concurrency=4", "--json")
    states = {node["name"]: node["state"] for node in json.loads(done.stdout)["nodes"]}
    kept = ("data", "tokenizer", "train.baseline", "train.optimized", "compare", "export")
    assert {states[name] for name in kept} == {"cached"}
    assert {states[name] for name in ("evaluate", "bench.single")} == {"runs"}


def test_kill_at_a_random_moment_loses_nothing(folder: Path, seconds: float) -> None:
    print(kill.disturbed(SPEC, folder / "store", seconds, random.Random()))
