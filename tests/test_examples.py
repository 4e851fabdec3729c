"""The examples do what their READMEs say: each has what a user needs, and its run.sh ends in the promised output."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = sorted(folder.name for folder in EXAMPLES.iterdir() if folder.is_dir())
BIN = Path(sys.executable).parent


def copied(name: str, folder: Path) -> Path:
    """A copy of an example, without what runs in its place left there."""
    return Path(shutil.copytree(EXAMPLES / name, folder / name, ignore=shutil.ignore_patterns(".ryot", "__pycache__")))


def environment(store: Path) -> dict[str, str]:
    """With ryot on PATH, results in `store`."""
    return os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "RYOT_STORE": str(store), "COLUMNS": "100"}


def run(command: list[str], folder: Path, store: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=environment(store), text=True, capture_output=True, check=False, timeout=800)


def run_example(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run an example's copy from another folder than its own. Its store lies beside the copy."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    done = run([str(copied(name, folder) / "run.sh")], elsewhere, folder / "store")
    print(done.stderr, done.stdout, sep="\n")
    assert done.returncode == 0
    assert not list(elsewhere.iterdir()), "it wrote into the folder it was called from"
    assert not (folder / name / ".ryot").exists(), "it did not keep to RYOT_STORE"
    return done


@pytest.mark.parametrize("name", NAMES)
def test_example_has_readme_script_and_sound_spec(name: str, tmp_path: Path) -> None:
    folder = copied(name, tmp_path)
    assert (folder / "README.md").is_file()
    assert os.access(folder / "run.sh", os.X_OK)
    done = run([str(BIN / "ryot"), "validate", "spec.yaml"], folder, tmp_path / "store")
    assert done.returncode == 0, done.stderr
    assert "spec.yaml is sound" in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_commands_in_readme_are_those_of_script(name: str) -> None:
    """Every `ryot` command the script runs is explained, word for word."""
    script = (EXAMPLES / name / "run.sh").read_text(encoding="utf-8")
    readme = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    commands = [re.split(r"\s+#|\s+>", line.strip())[0] for line in script.splitlines() if line.strip().startswith("ryot ")]
    assert commands
    assert not [command for command in commands if command.replace('"train.lr=$lr"', "train.lr=1e-4") not in readme]


def test_own_stage_passes_its_own_test(tmp_path: Path) -> None:
    folder = copied("write-a-stage", tmp_path)
    done = run([sys.executable, "-m", "pytest", "-q", "plugins/keep-short"], folder, tmp_path / "store")
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


@pytest.mark.e2e
def test_quickstart_ends_in_a_verdict_and_finishes_nothing_twice(tmp_path: Path) -> None:
    done = run_example("quickstart", tmp_path)
    assert "quickstart: 6 of 6 nodes to run" in done.stderr
    assert "quickstart: 0 of 6 nodes to run" in done.stderr
    assert done.stdout.count("Achieved: 5 of 5 must-targets PASS") == 3  # apply, apply, check --json
    told = json.loads(done.stdout[done.stdout.index("\n{\n") :])
    assert (told["schema"], told["exit_code"], len(told["verdicts"])) == (1, 0, 6)
    assert {node["state"] for node in told["nodes"]} == {"finished"}


@pytest.mark.e2e
def test_two_runs_share_their_data_and_are_told_apart_by_their_loss(tmp_path: Path) -> None:
    done = run_example("compare-two-runs", tmp_path)
    assert "learning-rate: 4 of 4 nodes to run" in done.stderr
    assert "learning-rate: 2 of 4 nodes to run" in done.stderr
    lines = {line.split()[1]: line.split() for line in done.stdout.splitlines() if len(line.split()) > 3}
    assert lines["train/final_loss"][0] == "other"
    assert float(lines["train/final_loss"][-2]) < 0  # the upper bound of the difference
    assert lines.get("train/tokens_per_s", ["apart"])[0] == "apart"
    assert "No regression" in done.stdout


@pytest.mark.e2e
def test_own_stage_runs_behind_data_and_only_identity_makes_it_run_again(tmp_path: Path) -> None:
    done = run_example("write-a-stage", tmp_path)
    assert re.search(r"PASS +must +keep-short/kept >= 100", done.stdout)
    assert re.search(r"keep-short +runs +words 70 -> 60", done.stdout)
    assert "3 to run, 1 with nothing to do." in done.stdout
    assert "0 to run, 4 with nothing to do." in done.stdout


def test_workflow_runs_the_script_and_keeps_its_evidence() -> None:
    from ruamel.yaml import YAML  # noqa: PLC0415

    found = YAML(typ="safe").load((EXAMPLES / "gate-in-ci" / "workflow.yaml").read_text())
    steps = found["jobs"]["verdict"]["steps"]
    assert "./run.sh" in [step.get("run") for step in steps]
    assert steps[-1] == {
        "if": "always()",
        "uses": steps[-1]["uses"],
        "with": {"name": "evidence", "path": found["jobs"]["verdict"]["env"]["EVIDENCE"]},
    }


@pytest.mark.e2e
def test_gate_in_ci_leaves_evidence_that_says_the_same(tmp_path: Path) -> None:
    done = run_example("gate-in-ci", tmp_path)
    assert done.stdout.count("Achieved: 3 of 3 must-targets PASS") == 2  # apply, and check on the bundle
    evidence = tmp_path / "store" / "evidence"
    assert {path.name for path in evidence.iterdir()} == {"verdicts.xml", "report.html", "evidence.zip"}
    again = run(
        [str(BIN / "ryot"), "check", str(evidence / "evidence.zip"), "--store", str(tmp_path / "none")], tmp_path, tmp_path / "none"
    )
    assert again.returncode == 0
