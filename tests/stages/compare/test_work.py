"""Two real runs, compared."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ryot.plugins import NodeError
from ryot.plugins.testing import run_stage
from ryot.stages.compare.stage import CompareConfig, CompareStage
from ryot.stages.compare.work import refuse_unequal
from ryot.stages.train.stage import CompressorChoice, KernelChoice, Recipe, TrainConfig, TrainStage
from tests.stages.train.conftest import SHAPES

BASELINE = TrainConfig(model=SHAPES["gpt"], recipe=Recipe(batch_size=4, accumulation=2, epochs=3, lr=1e-2), kernel=KernelChoice(level=0))
STACK = BASELINE.model_copy(update={"kernel": KernelChoice(level=1), "compressor": CompressorChoice(ratio=0.3)})


@pytest.mark.e2e
def test_both_sides_are_timed_on_the_same_documents_and_their_losses_compared(tmp_path: Path, make_tokens: Callable[..., Path]) -> None:
    inputs = {"tokens": make_tokens()}
    sides = {
        name: run_stage(TrainStage(), config, tmp_path / name, inputs=inputs).out
        for name, config in (("baseline", BASELINE), ("optimized", STACK))
    }
    config = CompareConfig(name="small", baseline=BASELINE, optimized=STACK, blocks=5, block_steps=2)
    result = run_stage(CompareStage(), config, tmp_path / "compare", inputs={**inputs, **sides})
    assert len(result.evidence["stack_time_reduction"].pairs) == 5
    assert result.evidence["speed_ratio"].pairs == result.evidence["stack_time_reduction"].pairs
    assert len(result.evidence["system_time_reduction"].pairs) == 4
    assert len(result.evidence["loss_gap"].samples) == 6
    assert abs(result.value("loss_gap") or 0) < 0.01
    told = json.loads((result.out / "comparison.json").read_text())
    assert told["baseline"]["initial_weights"] == told["optimized"]["initial_weights"]
    assert told["baseline"]["tokens"] == told["optimized"]["tokens"]
    assert told["baseline"]["positions"] > told["optimized"]["positions"]
    assert {"total_time", "avg_epoch_time", "final_loss", "losses", "throughput"} <= set(told["baseline"])
    assert {"speedup_percent", "throughput_improvement_percent", "loss_convergence_match", "all_criteria_met"} <= set(told["comparison"])


def test_runs_from_different_first_weights_are_not_compared() -> None:
    with pytest.raises(NodeError, match="did not start from the same weights"):
        refuse_unequal({"initial_weights": "a", "heldout": []}, {"initial_weights": "b", "heldout": []})
