"""Real sweeps: which values win, that kill -9 changes nothing, that a trial which cannot go on is a result."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import NodeError
from ryot.plugins.testing import StageResult, run_stage
from ryot.stages.sweep.stage import Dimension, SweepConfig, SweepStage
from ryot.stages.train.stage import CompressorChoice, KernelChoice, Recipe, TrainConfig
from tests.stages.train.conftest import SHAPES

pytestmark = pytest.mark.e2e

ILL = r"has the gradient norm|has the loss|has diverged|is no number"
"""What ends a training at a rate of 9: which of them comes first is the processor's arithmetic."""
RATES = Dimension(field="train.lr", kind="real", low=1e-5, high=3e-2, log=True)
DRIVER = """
import sys
from pathlib import Path
from ryot.plugins.testing import run_stage
from ryot.stages.sweep.stage import SweepConfig, SweepStage
run_stage(SweepStage(), SweepConfig.model_validate_json(sys.argv[1]), Path(sys.argv[2]), inputs={"tokens": Path(sys.argv[3])})
"""


def settings(*over: Dimension, trials: int = 8, ranks: int = 1, lr: float = 1e-4) -> SweepConfig:
    base = TrainConfig(
        model=SHAPES["gpt"].model_copy(update={"dropout": 0.1}),
        recipe=Recipe(batch_size=4, epochs=4, lr=lr, ranks=ranks),
        kernel=KernelChoice(level=1),
        compressor=CompressorChoice(ratio=0.3),
        checkpoint_every=3,
    )
    return SweepConfig(train=base, over=over, trials=trials, documents=96, looks=3, prune=True, seed=3)


def sweep(config: SweepConfig, folder: Path, tokens: Path) -> tuple[StageResult, dict[str, Any]]:
    found = run_stage(SweepStage(), config, folder, inputs={"tokens": tokens})
    return found, json.loads((found.out / "sweep.json").read_text())


def test_better_values_are_found_measured_apart_and_told(tmp_path: Path, make_tokens: Callable[..., Path]) -> None:
    found, told = sweep(settings(RATES), tmp_path / "sweep", make_tokens(heldout=12))
    rows = told["trials"]
    assert [row["trial"] for row in rows] == list(range(1, 9))
    assert rows[0]["values"] == {"train.lr": 1e-4}
    finished = [row for row in rows if row["state"] == "finished"]
    best = min(finished, key=lambda row: row["loss"])
    assert told["best"] == best["trial"] != 1
    assert best["values"]["train.lr"] > 1e-4  # 24 updates at 1e-4 learn next to nothing
    assert len(found.evidence["best_loss"].samples or ()) == 6  # the other half of the twelve
    assert found.value("loss_reduction") == pytest.approx(rows[0]["loss_apart"] - best["loss_apart"])
    assert (found.value("loss_reduction") or 0) > 0.1
    (warning,) = [event["text"] for event in found.events if event["event"] == "warning"]
    assert f"train.lr: {best['values']['train.lr']}" in str(warning)
    assert not list((tmp_path / "sweep" / "scratch" / "trials").glob("*/checkpoints"))


def test_trials_that_cannot_go_on_are_noted_and_the_others_carried_out(tmp_path: Path, make_tokens: Callable[..., Path]) -> None:
    rates = Dimension(field="train.lr", kind="real", values=(1e-3, 9.0))
    clips = Dimension(field="train.clip", kind="real", values=(1.0, 1e15))
    found, told = sweep(settings(rates, clips, trials=5, lr=1e-3), tmp_path / "sweep", make_tokens(heldout=8))
    states = {(row["values"]["train.lr"], row["values"]["train.clip"]): row for row in told["trials"]}
    assert {values: row["state"] for values, row in states.items() if values[0] == 1e-3} == {
        (1e-3, 1.0): "finished", (1e-3, 1e15): "finished",
    }  # fmt: skip
    failed = [row for row in told["trials"] if row["state"] == "failed"]
    assert failed
    assert all(row["values"]["train.lr"] == 9.0 and re.search(ILL, row["reason"]) for row in failed)
    assert found.value("failed_trials") == len(failed)


def test_own_values_that_cannot_be_trained_with_fail_the_node(tmp_path: Path, make_tokens: Callable[..., Path]) -> None:
    with pytest.raises(NodeError, match=ILL):
        sweep(settings(RATES, lr=9.0), tmp_path / "sweep", make_tokens(heldout=8))


def test_killed_sweep_goes_on_and_ends_the_same_on_two_ranks(tmp_path: Path, make_tokens: Callable[..., Path]) -> None:
    tokens, config = make_tokens(heldout=8), settings(RATES, trials=6, ranks=2)
    _, straight = sweep(config, tmp_path / "straight", tokens)
    folder = tmp_path / "killed"
    for number in (1, 3):
        process = subprocess.Popen([sys.executable, "-c", DRIVER, config.model_dump_json(), str(folder), str(tokens)])
        running = folder / "scratch" / "trials" / f"{number:04d}" / "checkpoints"
        _wait(lambda running=running: any(running.glob("update-*")), process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = json.loads((folder / "scratch" / "trials" / "over.json").read_text())
    assert len(before) >= 3
    _, resumed = sweep(config, folder, tokens)
    assert resumed == straight


def _wait(what: Callable[[], bool], process: subprocess.Popen[bytes], limit_s: float = 120) -> None:
    deadline = time.monotonic() + limit_s
    while not what():
        assert process.poll() is None, "it ended"
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
