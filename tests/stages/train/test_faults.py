"""Whole runs of two ranks in which one is made to fail: what is told, and that the mended run goes on to the same bits."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import NodeError, digest_path
from ryot.plugins.testing import StageResult, run_stage
from ryot.stages.train import work
from ryot.stages.train.stage import TrainConfig, TrainStage
from tests.stages.train.test_work import config, history, results

pytestmark = pytest.mark.e2e

HEAD = """
import os, sys, time
from pathlib import Path
import torch
from ryot.stages.train import rank as module
from ryot.stages.train.trainer import Trainer
me, update, loss = int(os.environ["RANK"]), Trainer.update, Trainer._loss
"""
TAIL = """
module.main(Path(sys.argv[1]))
"""
BAD_WEIGHT = """
def faulty(self, index):
    found = update(self, index)
    if index == 12 and me == 1:
        self.engine.masters[0].data.view(-1)[7] = float("nan")
    return found
Trainer.update = faulty
"""
BAD_LOSS = """
Trainer._loss = lambda self, network, rows: loss(self, network, rows) * (float("nan") if me == 1 and self.now == 12 else 1)
def counted(self, index):
    self.now = index
    return update(self, index)
Trainer.update = counted
"""
STUCK = """
module.STALL_S = 5.0
def spin():
    while True:
        time.sleep(0.01)
def faulty(self, index):
    if index == 12 and me == 1:
        spin()
    return update(self, index)
Trainer.update = faulty
"""
HUNGRY = """
def hungry(self, network, rows):
    if rows.ids_RL.shape[0] > 2 and me == 1 and self.now == 12:
        torch.empty(1 << 60, dtype=torch.uint8)
    return loss(self, network, rows)
def counted(self, index):
    self.now = index
    return update(self, index)
Trainer._loss, Trainer.update = hungry, counted
"""


@pytest.fixture
def broken(tmp_path: Path, make_tokens: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call it with settings and a fault to run the node with ranks that have the fault; without one, with sound ranks."""
    tokens = make_tokens()

    def run(settings: TrainConfig, fault: str = "", folder: str = "node") -> StageResult:
        (tmp_path / "faulty_rank.py").write_text(HEAD + fault + TAIL)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(work, "MODULE", "faulty_rank" if fault else "ryot.stages.train.rank")
        return run_stage(TrainStage(), settings, tmp_path / folder, inputs={"tokens": tokens})

    return run


FAULTS = {
    BAD_WEIGHT: r"a weight is no number after update 13 of 48 .* on rank 1",
    BAD_LOSS: r"update 13 of 48 has the loss nan .* on rank 1",
    STUCK: r"rank 1 is stuck at update 13 of 48 \(faulty_rank.py:\d+ in spin\)",
}


def test_faults_on_one_rank_are_told_and_the_mended_run_ends_with_the_same_bits(tmp_path: Path, broken: Any) -> None:
    """One after the other in the same run: each goes on from the checkpoint that the one before has left alone."""
    settings = config(2, 1)
    checkpoints, before = tmp_path / "node" / "scratch" / "checkpoints", set()
    for fault, words in FAULTS.items():
        with pytest.raises(NodeError, match=words):
            broken(settings, fault)
        assert [path.name for path in checkpoints.iterdir()] == ["update-00000010"]
        before.add(digest_path(checkpoints / "update-00000010"))
    mended = broken(settings.model_copy(update={"keep_checkpoints": 9}))
    assert json.loads((mended.out / "timings.json").read_text())["resumed"] == 1
    assert {digest_path(checkpoints / "update-00000010")} == before
    broken(settings, folder="whole")
    assert results(tmp_path / "node") == results(tmp_path / "whole")


def test_when_memory_runs_out_the_run_stops_with_advice(tmp_path: Path, broken: Any) -> None:
    with pytest.raises(NodeError, match=r"rank 1 ran out of memory at update 13 of 48: .*can't allocate memory") as caught:
        broken(config(2, 0, packed=False), HUNGRY)
    assert "train.on_out_of_memory: halve" in (caught.value.hint or "")
    assert [path.name for path in (tmp_path / "node" / "scratch" / "checkpoints").iterdir()] == ["update-00000010"]


def test_with_halve_it_goes_on_with_smaller_micro_batches_and_the_same_updates(tmp_path: Path, broken: Any) -> None:
    settings = config(2, 0, packed=False)
    settings = settings.model_copy(update={"model": settings.model.model_copy(update={"dropout": 0.0}), "on_out_of_memory": "halve"})
    result = broken(settings, HUNGRY)
    assert [event["text"] for event in result.events if event["event"] == "warning" and "micro-batches of 2 instead of 4" in event["text"]]
    assert history(tmp_path / "node")["shortages"] == [{"at": "update 13 of 48", "batch_size": 2, "accumulation": 2}]
    assert json.loads((result.out / "timings.json").read_text())["resumed"] == 1
    broken(settings, folder="plain")
    halved, plain = history(tmp_path / "node"), history(tmp_path / "plain")
    assert plain["shortages"] == []
    assert [update["tokens"] for update in halved["updates"]] == [update["tokens"] for update in plain["updates"]]
    assert [update["loss"] for update in halved["updates"]] == pytest.approx([update["loss"] for update in plain["updates"]], abs=1e-4)
    assert halved["updates"][:10] == plain["updates"][:10]


def test_a_micro_batch_of_one_document_cannot_be_halved(broken: Any) -> None:
    settings = config(1, 0, packed=False, epochs=1)
    settings = settings.model_copy(
        update={"recipe": settings.recipe.model_copy(update={"batch_size": 1, "warmup_steps": 1}), "on_out_of_memory": "halve"}
    )
    with pytest.raises(NodeError, match="rank 0 ran out of memory at update 13 of 24"):
        broken(settings, HUNGRY.replace("> 2 and me == 1", "> 0"))
