"""Both engines, whole runs through torchrun: whatever is sharded, the same is learnt, and kill -9 changes no bit."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import NodeError
from ryot.plugins.testing import run_stage
from ryot.stages.export.stage import ExportConfig, ExportStage
from ryot.stages.train.stage import TrainConfig, TrainStage
from tests.stages.train.test_work import config, history, results, start, wait_for

pytestmark = pytest.mark.e2e

ENGINES: dict[str, dict[str, Any]] = {
    "zero-1": {"zero_stage": 1},
    "zero-2": {"zero_stage": 2},
    "zero-3": {"zero_stage": 3},
    "fsdp-full": {"engine": "fsdp", "sharding": "full"},
    "fsdp-grad_op": {"engine": "fsdp", "sharding": "grad_op"},
    "fsdp-none": {"engine": "fsdp", "sharding": "none"},
}


@pytest.fixture
def tokens(make_tokens: Callable[..., Path]) -> Path:
    return make_tokens()


def with_recipe(settings: TrainConfig, *, dropout: float = 0.1, **recipe: Any) -> TrainConfig:
    """The same run with another recipe and dropout."""
    return settings.model_copy(
        update={
            "recipe": settings.recipe.model_copy(update=recipe),
            "model": settings.model.model_copy(update={"dropout": dropout}),
        }
    )


def losses(folder: Path) -> list[float]:
    return [update["loss"] for update in history(folder)["updates"]]


def train(settings: TrainConfig, folder: Path, tokens: Path) -> list[float]:
    """The losses of a whole run's updates."""
    run_stage(TrainStage(), settings, folder, inputs={"tokens": tokens})
    return losses(folder)


def test_a_checkpoint_goes_on_with_every_engine_and_number_of_ranks_and_learns_the_same(tmp_path: Path, tokens: Path) -> None:
    """Each takes over the first checkpoint of the one before, by hand: scratch folders bear a run's key."""
    plain = with_recipe(config(packed=False, epochs=5), dropout=0.0, batch_size=4, accumulation=2)
    one = train(plain, tmp_path / "one", tokens)
    assert one[-1] < one[0] - 0.1
    before = "one"
    for name, engine in {**ENGINES, "one again": {"ranks": 1, "batch_size": 8, "accumulation": 1}}.items():
        left, right = (tmp_path / folder / "scratch" / "checkpoints" for folder in (before, name))
        shutil.copytree(left / "update-00000010", right / "update-00000010")
        after = train(with_recipe(plain, dropout=0.0, **{"ranks": 2, "batch_size": 2, **engine}), tmp_path / name, tokens)
        assert after == pytest.approx(one, abs=1e-4), name
        assert json.loads((tmp_path / name / "out" / "timings.json").read_text())["resumed"] == 1
        before = name


@pytest.mark.parametrize("name", ["fsdp-full", "fsdp-grad_op"])
def test_a_run_on_fsdp_that_was_killed_ends_with_the_same_bits(tmp_path: Path, tokens: Path, name: str) -> None:
    settings = with_recipe(config(2), **ENGINES[name])
    train(settings, tmp_path / "whole", tokens)
    process = start(settings, tmp_path / "killed", tokens)
    wait_for(lambda: any((tmp_path / "killed" / "scratch" / "checkpoints").glob("update-*")))
    process.kill()
    process.wait()
    train(settings, tmp_path / "killed", tokens)
    assert json.loads((tmp_path / "killed" / "out" / "timings.json").read_text())["resumed"] >= 1
    assert results(tmp_path / "killed") == results(tmp_path / "whole")


@pytest.mark.parametrize("family", ["gpt", "llama", "hybrid"])
def test_every_family_trains_fully_sharded_on_two_ranks_and_exports(tmp_path: Path, tokens: Path, family: str) -> None:
    settings = config(2, packed=False, family=family, epochs=4)
    sharded = with_recipe(settings, dropout=0.0, batch_size=2, recompute=True, **ENGINES["fsdp-full"])
    one = train(with_recipe(settings, dropout=0.0, ranks=1), tmp_path / "one", tokens)
    assert train(sharded, tmp_path / "two", tokens) == pytest.approx(one, abs=1e-4)
    inputs = {"weights": tmp_path / "two" / "out", "tokens": tokens}
    exported = run_stage(ExportStage(), ExportConfig(probes=4), tmp_path / "export", inputs=inputs)
    assert exported.value("logit_difference") == 0


def test_a_checkpoint_of_other_updates_is_refused(tmp_path: Path, tokens: Path) -> None:
    plain = with_recipe(config(packed=False, epochs=5), dropout=0.0, batch_size=8)
    train(plain, tmp_path / "before", tokens)
    left, right = (tmp_path / name / "scratch" / "checkpoints" for name in ("before", "after"))
    shutil.copytree(left / "update-00000010", right / "update-00000010")
    with pytest.raises(NodeError, match="has updates of 8 documents, this run of"):
        train(with_recipe(plain, batch_size=2), tmp_path / "after", tokens)
