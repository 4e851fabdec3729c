"""A real run, taken apart."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ryot.plugins.testing import run_stage
from ryot.stages.ablate.stage import AblateConfig, AblateStage
from ryot.stages.ablate.work import table
from ryot.stages.train.stage import CompressorChoice, KernelChoice, Recipe, TrainConfig, TrainStage
from tests.stages.train.conftest import SHAPES

BASELINE = TrainConfig(model=SHAPES["gpt"], recipe=Recipe(batch_size=4, accumulation=2, epochs=1, lr=1e-2), kernel=KernelChoice(level=0))
STACK = BASELINE.model_copy(update={"kernel": KernelChoice(level=1), "compressor": CompressorChoice(ratio=0.3)})


@pytest.mark.e2e
def test_each_part_is_timed_left_out_and_alone(tmp_path: Path, make_tokens: Callable[..., Path]) -> None:
    inputs = {"tokens": make_tokens()}
    inputs["optimized"] = run_stage(TrainStage(), STACK, tmp_path / "train", inputs=inputs).out
    config = AblateConfig(baseline=BASELINE, optimized=STACK, rounds=4, block_steps=1)
    result = run_stage(AblateStage(), config, tmp_path / "ablate", inputs=inputs)
    assert set(result.evidence) == {f"{part}_{what}" for part in ("attention", "adamw", "packing") for what in ("gain", "alone")}
    assert all(len(evidence.pairs) == 4 for evidence in result.evidence.values())
    told = json.loads((result.out / "ablation.json").read_text())
    assert [row["part"] for row in told["parts"]] == ["attention", "adamw", "packing"]
    assert len(told["rounds"][0]) == 8


def test_a_part_is_worth_what_the_stack_loses_without_it() -> None:
    rounds = [{"baseline": 10.0, "stack": 4.0, "without bf16": 8.0, "without adamw": 5.0}] * 3
    told = table(frozenset({"bf16", "adamw"}), rounds, {})
    adamw, bf16 = told["parts"]
    assert (adamw["gain"], adamw["alone"]) == pytest.approx((0.2, 0.2))
    assert (bf16["gain"], bf16["alone"]) == pytest.approx((0.5, 0.5))
    assert told["stack"] == pytest.approx(0.6)
