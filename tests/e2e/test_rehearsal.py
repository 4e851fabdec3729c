"""A rehearsal with the real engines: a server that cannot start keeps training from beginning; then all of it goes well, once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e
SPEC = """\
version: 1
name: rehearsed
model: {preset: llama-tiny}
data:
  sources: [{generate: {examples: 200}}]
  held_out: 10%
train: {batch_size: 4, steps: 6, lr: 1e-3, warmup_steps: 1}
rehearse: {updates: 4}
export: {probes: 2}
serve: {engine: transformers, kv_cache: 64MiB, max_concurrency: 2}  # it starts in a tenth of vLLM's time
targets:
  - rehearsal.resume/weight_difference == 0
  - rehearsal.export/logit_difference <= 0.00001
  - export/logit_difference <= 0.00001
"""
CHECKS = {f"rehearsal.{name}" for name in ("train", "resume", "export", "evaluate", "save")}


def ryot(verb: str, folder: Path, *sets: str) -> subprocess.CompletedProcess[str]:
    (folder / "spec.yaml").write_text(SPEC)
    overrides = [part for text in sets for part in ("--set", text)]
    argv = [sys.executable, "-m", "ryot.cli.main", verb, str(folder / "spec.yaml"), "--store", str(folder / "store"), *overrides]
    return subprocess.run([*argv, *(["--json"] if verb != "apply" else [])], capture_output=True, text=True, check=False)


def states(folder: Path, *sets: str) -> dict[str, str]:
    return {node["name"]: node["state"] for node in json.loads(ryot("plan", folder, *sets).stdout)["nodes"]}


def test_training_begins_when_the_rehearsal_went_well_and_not_before(tmp_path: Path) -> None:
    refused = ryot("apply", tmp_path, "hardware.python={serve: /bin/false}")
    assert refused.returncode == 4, refused.stderr
    assert "skipped   train: it comes after rehearsal.evaluate, which failed" in refused.stderr
    waiting = states(tmp_path)
    assert {name for name in CHECKS if waiting[name] == "cached"} >= {"rehearsal.train", "rehearsal.export"}
    assert waiting["train"] == waiting["export"] == "waits"

    done = ryot("apply", tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(states(tmp_path).values()) == {"cached"}
    report = json.loads(ryot("check", tmp_path).stdout)
    assert [verdict["status"] for verdict in report["verdicts"]] == ["PASS"] * 3
    assert {node["name"] for node in report["nodes"] if node["state"] == "finished"} >= CHECKS | {"train", "export"}

    served_otherwise = states(tmp_path, "serve.max_concurrency=4")
    assert set(served_otherwise.values()) == {"cached"}  # training is done: what stood before it is not asked again
