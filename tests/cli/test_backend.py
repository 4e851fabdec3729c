"""Where nodes run, as a spec or `--backend` says: what is wrong with it is told at once, and no key knows it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ryot.cli.main import run

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
    for written in ("backend=local", "backend={use: slurm, with: {partition: gpu}}", "backend=ray", "backend=hostfile"):
        assert run(["plan", TINY, "--store", str(tmp_path), "--set", written, "--json"]) == 0
        keys.append({node["name"]: node["key"] for node in json.loads(capsys.readouterr().out)["nodes"]})
    assert keys[1:] == keys[:1] * 3


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
