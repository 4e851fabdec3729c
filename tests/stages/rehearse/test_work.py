"""The two checks of a rehearsal for real: a run that is killed and resumed, and a checkpoint that is written and read back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import NodeError
from ryot.plugins.testing import StageResult, run_stage
from ryot.stages.rehearse.stage import RESUME, SAVE, RehearseConfig, RehearseStage
from ryot.stages.train.stage import CompressorChoice, KernelChoice, Recipe, TrainConfig, TrainStage
from tests.stages.train.conftest import SHAPES


def config(family: str = "llama", *, ranks: int = 1, zero: int = 0, seed: int = 42) -> TrainConfig:
    return TrainConfig(
        model=SHAPES[family].model_copy(update={"dropout": 0.1}),
        recipe=Recipe(batch_size=2, steps=8, lr=3e-3, warmup_steps=1, ranks=ranks, zero_stage=zero, seed=seed),  # type: ignore[arg-type]
        kernel=KernelChoice(level=1),
        compressor=CompressorChoice(ratio=0.3) if family != "hybrid" else None,
        checkpoint_every=4,
    )


def resume(settings: TrainConfig, folder: Path, tokens: Path, weights: Path) -> StageResult:
    check = RehearseConfig(what="resume", train=settings, half=4)
    return run_stage(RehearseStage(), check, folder, inputs={"tokens": tokens, "weights": weights}, measures=RESUME)


@pytest.mark.e2e
def test_killed_run_resumes_bit_for_bit_and_another_run_is_told_apart(tmp_path: Path, make_tokens: Callable[..., Path]) -> None:
    tokens = make_tokens()
    straight = run_stage(TrainStage(), config(), tmp_path / "straight", inputs={"tokens": tokens})
    found = resume(config(), tmp_path / "resumed", tokens, straight.out)
    assert (found.value("resumed_updates"), found.value("weight_difference")) == (4, 0)
    with pytest.raises(NodeError, match="the resumed run differs from the one that was not stopped: a weight by"):
        resume(config(seed=7), tmp_path / "other", tokens, straight.out)


@pytest.mark.e2e
@pytest.mark.parametrize(("family", "ranks", "zero"), [("gpt", 1, 0), ("hybrid", 2, 2)])
def test_checkpoint_of_the_real_size_comes_back(
    tmp_path: Path, make_tokens: Callable[..., Path], family: str, ranks: int, zero: int
) -> None:
    check = RehearseConfig(what="save", train=config(family, ranks=ranks, zero=zero))
    found = run_stage(RehearseStage(), check, tmp_path / "save", inputs={"tokens": make_tokens()}, measures=SAVE)
    assert (found.value("checkpoint_size") or 0) > 100_000
    assert (found.value("save_time") or 0) > 0 < (found.value("restore_time") or 0)
    assert not list((tmp_path / "save" / "scratch").glob("checkpoints"))


@pytest.mark.heavy
def test_restore_that_gives_other_weights_is_told(tmp_path: Path, make_tokens: Callable[..., Path], world: Any) -> None:
    from ryot.stages.rehearse import rank  # noqa: PLC0415 - it imports torch
    from ryot.stages.train import checkpoint  # noqa: PLC0415
    from ryot.stages.train.documents import Documents, specials  # noqa: PLC0415
    from ryot.stages.train.trainer import Trainer  # noqa: PLC0415

    tokens, settings = make_tokens(), config()
    trainer = Trainer(settings, Documents(tokens, "train", 32), specials(tokens), world)
    trainer.update(0)
    checkpoint.save(tmp_path, 1, trainer, {})
    first = rank.digests(trainer)
    with pytest.raises(NodeError, match="an update changed nothing"):
        rank.restored(trainer, tmp_path / "update-00000001", first)
    trainer.update(1)
    checkpoint.save(tmp_path, 2, trainer, {})
    trainer.update(2)
    with pytest.raises(NodeError, match=r"a restored checkpoint is not what was saved: 0\.weights"):
        rank.restored(trainer, tmp_path / "update-00000002", first)
    assert rank.restored(trainer, tmp_path / "update-00000001", first) > 0
