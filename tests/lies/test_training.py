"""Lies told by a training run, or by two of them that are compared: through torchrun, with ranks in which one thing is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import NodeError
from ryot.plugins.testing import run_stage
from ryot.stages.compare.stage import CompareConfig, CompareStage
from tests.lies.judged import statuses
from tests.stages.conftest import make_tokens
from tests.stages.train.test_faults import broken
from tests.stages.train.test_work import config

__all__ = ["broken", "make_tokens"]
pytestmark = pytest.mark.e2e
STILL = """
def frozen(self, index):
    before = [master.detach().clone() for master in self.engine.masters]
    found = update(self, index)
    if index == 3:
        for master, kept in zip(self.engine.masters, before):
            master.data.copy_(kept)
    return found
Trainer.update = frozen
"""
DRIFTING = """
import random, sys, time
if "ryot.stages.compare.rank" in sys.orig_argv and "torch.distributed.run" not in sys.orig_argv:
    draw, looks = random.Random(1), [0, 0.0]
    def drifting():
        looks[0] += 1
        looks[1] += 0.01 * draw.uniform(0.8, 1.2) * (1 if looks[0] < 100 else 0.62)
        return looks[1]
    time.perf_counter = drifting
"""
"""The clock of a machine on which everything takes a while, give or take a fifth, and 38 % less from some moment on."""


def test_an_update_that_moves_no_parameter(broken: Any) -> None:
    """It stops at once: there are no weights to export and no measure to pass with. A loss that is no number: see test_faults."""
    settings = config(epochs=1, packed=False)
    small = settings.model_copy(update={"recipe": settings.recipe.model_copy(update={"batch_size": 1})})
    with pytest.raises(NodeError, match="update 4 of 24 left every weight as it was"):
        broken(small, STILL)


def test_two_runs_of_the_same_code_of_which_one_took_38_percent_less_time(
    tmp_path: Path, make_tokens: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine was slow until the first was over. Blocks that take turns tell that apart from a speed-up, though it befalls them too."""
    (tmp_path / "sitecustomize.py").write_text(DRIFTING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    side, inputs = config(packed=False, epochs=1), {"tokens": make_tokens()}
    side = side.model_copy(update={"kernel": side.kernel.model_copy(update={"level": 0})})
    for name, seconds in (("baseline", 1.0), ("optimized", 0.62)):
        inputs[name] = finished(tmp_path / name, seconds)
    compared = CompareConfig(name="small", baseline=side, optimized=side, blocks=20, block_steps=3)
    found = run_stage(CompareStage(), compared, tmp_path / "node", inputs=inputs)
    assert found.value("total_time_reduction") == pytest.approx(0.38)
    assert statuses(found, ["stack_time_reduction >= 25%", "speed_ratio >= 1.33"]) == ["FAIL", "FAIL"]
    told = json.loads((found.out / "comparison.json").read_text())["comparison"]
    assert (told["criteria"]["time_reduction"], told["outcome"]) == (False, "investigate")


def finished(folder: Path, seconds: float) -> Path:
    """What a run leaves whose updates took so long."""
    folder.mkdir()
    update = {"tokens": 100, "positions": 160, "loss": 2.0, "documents": 4}
    chosen = {"rows": 4, "precision": "fp32", "compile": False, "packing": False}
    history = {"heldout": [2.0] * 6, "updates": [update] * 6, "epochs": [{"loss": 2.0}], "initial_weights": "same", "padding_removed": 0.0}
    (folder / "history.json").write_text(json.dumps(history | {"asked_ratio": 0.0, "tuning": {"chosen": chosen}}))
    (folder / "timings.json").write_text(json.dumps({"seconds": [seconds] * 6, "resumed": 0, "memory_tensors": 1000}))
    return folder
