"""Where nodes run, as a spec or `--backend` says: what is wrong with it is told at once, and no key knows it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ryot.cli.main import run
from tests.backends.clusters import fake_slurm

MOON = "backend={use: ray, with: {address: '127.0.0.1:1'}}"
TINY = str(Path(__file__).parent.parent.parent / "specs" / "tiny.yaml")


@pytest.mark.parametrize(("written", "words"), [
    ("backend=slrm", "there is no backend 'slrm'"),
    ("backend={use: slurm, with: {partitions: x}}", "backend.with.partitions: there is no such setting"),
    ("backend={use: slurm, with: {gpus: -1}}", "backend.with.gpus: should be greater than or equal to 0"),
    ("backend={with: {cpus: 1}}", "the backend local takes no settings"),
    ("backend={use: slurm, retries: -1}", "retries"),
])  # fmt: skip
def test_backend_that_is_none_is_refused(written: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", TINY, "--set", written]) == 2
    assert words in capsys.readouterr().err


def test_backend_enters_no_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = []
    for written in ("backend=local", "backend={use: slurm, with: {partition: gpu}}", MOON, "backend=hostfile"):
        assert run(["plan", TINY, "--store", str(tmp_path), "--set", written, "--json"]) == 0
        keys.append({node["name"]: node["key"] for node in json.loads(capsys.readouterr().out)["nodes"]})
    assert keys[1:] == keys[:1] * 3


PRICED = ("--set", "hardware.prices.mine={device: here, on_demand: 2 usd, dated: 2026-11-01, source: x}", "--set", "hardware.price=mine")


def test_plan_tells_the_queue_and_what_nodes_cost_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with fake_slurm(tmp_path / "slurm") as slurm:
        for name, value in slurm.environ.items():
            monkeypatch.setenv(name, value)
        asked = ("plan", TINY, "--store", str(tmp_path), "--backend", "slurm", *PRICED)
        assert run([*asked, "--json"]) == 0
        queue = json.loads(capsys.readouterr().out)["queue"]
        assert (queue["backend"], queue["unknown"], queue["problems"]) == ("slurm", None, [])
        by_name = {node["name"]: node for node in queue["nodes"]}
        assert {"data", "tokenizer", "train.baseline"} <= set(by_name)
        assert not {"serve", "bench.single"} & set(by_name)  # they run beside ryot
        train = by_name["train.baseline"]
        assert train["fits"] is True
        assert train["usd"] == pytest.approx(train["seconds"] / 3600 * 2)
        assert (by_name["data"]["usd"], by_name["data"]["usd_per_hour"]) == (None, 2)
        assert run(asked) == 0
        said = capsys.readouterr().out
        assert "The queue (slurm)" in said
        assert "all (the default), 2 nodes: 2 idle; jobs have no time limit" in said
        assert "$2.00 an hour" in said
        assert run([*asked, "--set", "hardware.cpus=4096"]) == 3
        assert "--set:1:1: " in (said := capsys.readouterr().out)
        assert "asks for 4096 CPUs" in " ".join(said.split())
        assert "ask for fewer cores with hardware.cpus" in " ".join(said.split())


@pytest.mark.parametrize(("written", "words"), [
    ("backend=slurm", "SLURM's sbatch, squeue, scancel not found"),
    (MOON, "no Ray cluster answers at 127.0.0.1:1"),
    ("backend=hostfile", "hostfile /job/hostfile cannot be read"),
])  # fmt: skip
def test_plan_goes_on_where_the_cluster_cannot_be_asked_and_says_so(
    written: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    asked = ("plan", TINY, "--store", str(tmp_path), "--set", written)
    assert run([*asked, "--json"]) == 0
    queue = json.loads(capsys.readouterr().out)["queue"]
    assert words in queue["unknown"]
    assert {node["fits"] for node in queue["nodes"]} == {None}
    assert run(asked) == 0
    said = capsys.readouterr().out
    assert words in " ".join(said.split())
    assert "not known: " in said
    assert "fits" not in said.split("The queue")[1]


@pytest.mark.parametrize(("name", "code", "words"), [
    ("nowhere", 2, "there is no backend 'nowhere'"),
    ("slurm", 3, "SLURM's sbatch, squeue, scancel not found"),
    ("hostfile", 3, "hostfile /job/hostfile cannot be read"),
])  # fmt: skip
def test_backend_that_cannot_be_had_here_is_told(
    name: str, code: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    assert run(["apply", TINY, "--until", "tokenizer", "--store", str(tmp_path), "--backend", name]) == code
    assert words in capsys.readouterr().err


def test_backend_that_does_not_load_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    points = '[project.entry-points."ryot.backends"]\nmoon = "moon_backend:Moon"\n'
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "moon"\nversion = "1"\n{points}')
    (tmp_path / "moon_backend.py").write_text("raise RuntimeError('no air')")
    assert run(["validate", TINY, "--set", "backend=moon", "--plugins", str(tmp_path)]) == 3
    assert "the plugin moon of moon does not load: RuntimeError: no air" in capsys.readouterr().err


SPREAD = ("--set", "train.ranks=4", "--set", "train.machines=2")


@pytest.mark.parametrize("verb", ["plan", "apply"])
def test_training_on_two_machines_is_refused_where_there_is_one(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([verb, TINY, "--store", str(tmp_path), *SPREAD]) == 2
    said = capsys.readouterr().err
    assert "train.baseline, train.optimized, compare would run on 2 machines, and the backend local has one for a job" in " ".join(
        said.split()
    )
    assert "train.machines=2" in said
    assert "write `backend: slurm`" in said


def test_plan_shows_the_machines_and_foresees_no_time_over_a_network_that_nobody_described(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["plan", TINY, "--store", str(tmp_path), *SPREAD, "--set", "backend=slurm"]
    assert run(asked) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "never ran; waits for tokenizer; on 2 machines" in said
    assert "the network between 2 machines is not known" in said
    assert run([*asked, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert {node["name"] for node in plan["nodes"] if node["machines"] == 2} == {"train.baseline", "train.optimized", "compare"}
    assert plan["estimates"]["training_s"] is None


def test_number_of_machines_is_in_the_key_of_what_measures_speed_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Weights are the same bits, but a speed of two machines is none of one."""
    keys = []
    for machines in (1, 2):
        written = ["--set", "train.ranks=2", "--set", f"train.machines={machines}", "--set", "backend=ray", "--set", "sweep.trials=2"]
        assert run(["plan", TINY, "--store", str(tmp_path), *written, "--set", "sweep.over={train.lr: [1e-3, 1e-4]}", "--json"]) == 0
        keys.append({node["name"]: node["key"] for node in json.loads(capsys.readouterr().out)["nodes"]})
    same = {name for name, key in keys[0].items() if keys[1][name] == key}
    assert {"data", "tokenizer", "sweep"} <= same
    assert not {"train.baseline", "train.optimized", "compare"} & same
