"""Whole alignments through TRL's DPOTrainer: what they leave, and that kill -9 changes none of it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from ryot.plugins import NodeError
from ryot.plugins.testing import StageResult, run_stage
from ryot.stages.align.stage import AlignConfig, AlignStage
from ryot.stages.finetune.checkpoints import MANIFEST
from tests.stages.conftest import write_tokens, write_weights
from tests.stages.finetune.made import pairs_of, results, settings, start, wait_for, write_pairs
from tests.stages.train.conftest import SHAPES

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("align")


@pytest.fixture(scope="module")
def inputs(folder: Path) -> dict[str, Path]:
    tokens = write_tokens(folder / "tokens")
    return {"weights": write_weights(folder / "weights", SHAPES["llama"], tokens), "tokens": tokens}


@pytest.fixture(scope="module")
def config(folder: Path) -> AlignConfig:
    """60 pairs in which the chosen answers follow a rule; 48 are trained on, in 72 updates."""
    source = write_pairs(folder / "pairs.jsonl", pairs_of(60))
    return AlignConfig.model_validate(settings(source, "llama", epochs=6, lr=1e-2) | {"beta": 0.5})


@pytest.fixture(scope="module")
def result(folder: Path, inputs: dict[str, Path], config: AlignConfig) -> StageResult:
    """A run that nothing disturbed."""
    return run_stage(AlignStage(), config, folder / "whole", inputs=inputs)


def test_what_is_preferred_is_measured_on_pairs_that_were_held_out(result: StageResult) -> None:
    margins = result.evidence["margin"].samples
    accuracy = result.evidence["reward_accuracy"]
    assert (accuracy.hits, accuracy.of) == (sum(margin > 0 for margin in margins), 12)
    assert any(abs(margin) > 0.01 for margin in margins)
    losses = [math.log1p(math.exp(-margin)) for margin in margins]
    assert result.evidence["loss"].samples == pytest.approx(losses)
    updates = json.loads((result.out / "history.json").read_text())["updates"]
    assert updates[0]["loss"] == pytest.approx(math.log(2), abs=0.05)  # nothing learnt yet: the adapters begin at nothing
    assert sum(update["loss"] for update in updates[-12:]) / 12 < math.log(2) - 0.05
    assert 0 < (result.value("merge_difference") or 0) < 1e-4
    assert result.value("updates") == 72


def test_a_run_that_was_killed_ends_with_the_same_bits(
    tmp_path: Path, folder: Path, inputs: dict[str, Path], config: AlignConfig, result: StageResult
) -> None:
    process = start(AlignStage, config, tmp_path / "killed", inputs)
    wait_for(lambda: any((tmp_path / "killed" / "scratch" / "checkpoints").glob(f"checkpoint-*/{MANIFEST}")), process)
    process.kill()
    process.wait()
    again = run_stage(AlignStage(), config, tmp_path / "killed", inputs=inputs)
    assert json.loads((again.out / "timings.json").read_text())["resumed"] >= 1
    assert results(tmp_path / "killed") == results(folder / "whole")


def test_a_file_of_one_pair_is_too_little(tmp_path: Path, inputs: dict[str, Path], config: AlignConfig) -> None:
    alone = config.model_copy(update={"pairs": write_pairs(tmp_path / "one.jsonl", pairs_of(1))})
    with pytest.raises(NodeError, match="there are 1 pairs"):
        run_stage(AlignStage(), alone, tmp_path / "node", inputs=inputs)
