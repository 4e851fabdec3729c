"""Faults planted in a run: each is found within one update, told with its place, and leaves the last good checkpoint to go on from."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import NodeError, digest_path
from ryot.stages.train.stage import KernelChoice, Recipe, TrainConfig
from tests.stages.train.conftest import SHAPES

pytestmark = pytest.mark.heavy
EMBEDDING = {"gpt": "transformer.wte.weight", "llama": "model.embed_tokens.weight", "hybrid": "model.embed_tokens.weight"}
NEVER = 0
"""A token that no document has."""


class Run:
    """A run in this process: two checkpoints apart by two updates, of six in all."""

    def __init__(self, folder: Path, tokens: Path, world: Any) -> None:
        self.folder, self.tokens, self.world = folder, tokens, world

    def trainer(self, family: str = "llama", *, divergence: str = "stop", **fields: Any) -> Any:
        from ryot.stages.train.documents import Documents, specials  # noqa: PLC0415 - they import torch
        from ryot.stages.train.trainer import Trainer  # noqa: PLC0415

        recipe = Recipe.model_validate({"batch_size": 8, "epochs": 2, "lr": 1e-2} | fields)
        config = TrainConfig.model_validate(
            {"model": SHAPES[family], "recipe": recipe, "kernel": KernelChoice(), "checkpoint_every": 2, "keep_checkpoints": 9}
            | {"divergence": divergence}
        )
        return Trainer(config, Documents(self.tokens, "train", config.model.context), specials(self.tokens), self.world)

    def train(self, trainer: Any, data: str = "data") -> Any:
        from ryot.stages.train import rank  # noqa: PLC0415 - it imports torch
        from ryot.stages.train.child import Progress  # noqa: PLC0415
        from ryot.stages.train.documents import Documents  # noqa: PLC0415
        from ryot.stages.train.pace import Pacer  # noqa: PLC0415
        from ryot.stages.train.tracking import Trackers  # noqa: PLC0415

        self.folder.mkdir(exist_ok=True)
        progress, checkpoints = Progress(self.folder / "progress.jsonl", Pacer(self.folder, 0)), self.folder / "checkpoints"
        run = rank._resume(trainer, checkpoints, data, progress)
        heldout = Documents(self.tokens, "heldout", trainer.config.model.context)
        rank.train(trainer, run, rank.Outside(checkpoints, data, heldout, progress, Trackers((), self.folder / "tracking", 0)))
        return run

    def checkpoints(self) -> dict[str, str]:
        return {path.name: digest_path(path) for path in (self.folder / "checkpoints").iterdir()}


@pytest.fixture
def run(tmp_path: Path, make_tokens: Callable[..., Path], world: Any) -> Run:
    return Run(tmp_path / "run", make_tokens(), world)


def at_update(trainer: Any, number: int, fault: Callable[[], None], *, after: bool = False) -> None:
    """Have `fault` happen before, or right after, the optimizer's part of an update, counted from 1."""
    step, counted = trainer.engine.step, iter(range(1, 1 << 30))

    def faulty(lr: float) -> Any:
        here = next(counted) == number
        if here and not after:
            fault()
        norm = step(lr)
        if here and after:
            fault()
        return norm

    trainer.engine.step = faulty


def spoil_loss(trainer: Any, number: int, value: float) -> None:
    plain, counted = trainer._loss, iter(range(1, 1 << 30))
    trainer._loss = lambda network, rows: plain(network, rows) * (value if next(counted) == number else 1.0)


def spoil_gradient(trainer: Any, number: int, value: float) -> None:
    """One element of one gradient, once."""
    parameter, counted = trainer.engine.parameters[3], iter(range(1, 1 << 30))

    def hook(gradient: Any) -> Any:
        if next(counted) == number:
            gradient = gradient.clone()
            gradient.view(-1)[5] = value
        return gradient

    parameter.register_hook(hook)


def spoil_weight(trainer: Any, number: int, value: float) -> None:
    """One weight that takes part in no loss: the embedding of a token that never comes."""

    def fault() -> None:
        trainer.engine.model.get_input_embeddings().weight.data[NEVER, 3] = value

    at_update(trainer, number, fault, after=True)


FAULTS = {"loss": spoil_loss, "gradient": spoil_gradient, "weight": spoil_weight}
WORDS = {
    "loss": r"update 4 of 6 has the loss (nan|-?inf) \(loss -, lr .*\) on rank 0",
    "gradient": r"update 4 of 6 has the gradient norm (nan|inf) although its loss is a number .* in model.layers.0.self_attn.v_proj.weight",
    "weight": r"a weight is no number after update 4 of 6 .* on rank 0, in model.embed_tokens.weight",
}


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("what", ["loss", "gradient", "weight"])
def test_what_is_no_number_stops_the_run_at_once_and_the_mended_run_goes_on_from_the_last_checkpoint(
    run: Run, tmp_path: Path, what: str, value: float
) -> None:
    broken = run.trainer()
    FAULTS[what](broken, 4, value)
    with pytest.raises(NodeError, match=WORDS[what]) as caught:
        run.train(broken)
    assert "the last good checkpoint is kept" in (caught.value.hint or "")
    kept = run.checkpoints()
    assert list(kept) == ["update-00000002"]
    mended = run.train(run.trainer())
    assert mended.resumed == 1
    assert run.checkpoints()["update-00000002"] == kept["update-00000002"]
    whole = Run(tmp_path / "whole", run.tokens, run.world)
    assert whole.train(whole.trainer()).updates == mended.updates


def test_a_run_does_not_go_on_from_a_checkpoint_of_other_data(run: Run) -> None:
    """entrenar#294: the loader began anew on other shards; the loss looked better, and a part of the run was worth nothing."""
    run.train(run.trainer())
    with pytest.raises(NodeError, match="the checkpoint after update 6 was made from other data"):
        run.train(run.trainer(), "other data")


@pytest.mark.parametrize("zero", [1, 2, 3])
@pytest.mark.parametrize("family", ["gpt", "llama", "hybrid"])
def test_one_bad_weight_is_seen_whatever_is_sharded(run: Run, family: str, zero: int) -> None:
    trainer = run.trainer(family, zero_stage=zero)

    def fault() -> None:
        trainer.engine.masters[0].data.view(-1)[-1] = math.nan

    at_update(trainer, 2, fault, after=True)
    with pytest.raises(NodeError, match=r"a weight is no number after update 2 of 6 .* on rank 0"):
        run.train(trainer)


@pytest.mark.parametrize("zero", [0, 1, 2, 3])
def test_an_update_that_moves_no_weight_stops_the_run_whichever_it_is(run: Run, zero: int) -> None:
    trainer = run.trainer(zero_stage=zero)
    norms = iter([None, None])

    def still() -> None:
        trainer.engine.inner.step = lambda: next(norms, None)

    at_update(trainer, 3, still)
    with pytest.raises(NodeError, match="update 3 of 6 left every weight as it was") as caught:
        run.train(trainer)
    assert "precision: fp32" in (caught.value.hint or "")
    assert list(run.checkpoints()) == ["update-00000002"]


def test_weight_decay_alone_is_no_learning(run: Run) -> None:
    trainer = run.trainer(weight_decay=0.5)

    def no_gradient() -> None:
        for parameter in trainer.engine.parameters:
            parameter.grad.zero_()

    at_update(trainer, 2, no_gradient)
    with pytest.raises(NodeError, match=r"update 2 of 6 .*had no gradient"):
        run.train(trainer)


def test_a_rate_below_the_rounding_of_the_weights_is_no_fault(run: Run) -> None:
    found = run.train(run.trainer(lr=1e-14))
    assert len(found.updates) == 6


def drop(trainer: Any, numbers: set[int]) -> None:
    """Updates that the engine drops, as DeepSpeed does on an overflow."""
    inner, plain, counted = trainer.engine.inner, trainer.engine.inner.step, iter(range(1, 1 << 30))

    def step() -> None:
        if next(counted) in numbers:
            inner.skipped_steps += 1
            inner.optimizer.zero_grad()
        else:
            plain()

    inner.step = step


def test_a_dropped_update_stops_a_run_whose_recipe_has_no_loss_scaler(run: Run) -> None:
    trainer = run.trainer()
    drop(trainer, {3})
    with pytest.raises(NodeError, match=r"the engine dropped update 3 of 6 without a word"):
        run.train(trainer)


@pytest.fixture
def scaled(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A recipe that may drop updates, as a loss scaler does."""
    from ryot.stages.train import health  # noqa: PLC0415 - it imports torch

    monkeypatch.setattr(health, "skips_allowed", lambda recipe: health.SKIPS_IN_A_ROW - 1)
    return health.SKIPS_IN_A_ROW


def test_a_loss_scaler_may_drop_updates_but_not_so_many_in_a_row(run: Run, scaled: int) -> None:
    trainer = run.trainer(epochs=4)
    drop(trainer, {2, 4, 5, *range(8, 8 + scaled)})
    with pytest.raises(NodeError, match=rf"the engine dropped {scaled} updates in a row, update {7 + scaled} of 12 the last of them"):
        run.train(trainer)


def test_a_learning_rate_that_diverges_stops_the_run_and_the_best_checkpoint_stays(run: Run) -> None:
    with pytest.raises(NodeError, match=r"training has diverged at update [0-9]+ of 90: the loss has") as caught:
        run.train(run.trainer(epochs=30, lr=2.0, clip=1e9, schedule="constant"))
    assert "train.divergence: continue" in (caught.value.hint or "")
    assert "update-" in (caught.value.hint or "")


def test_a_run_that_diverges_goes_on_where_the_spec_says_so_and_says_it_once(run: Run) -> None:
    found = run.train(run.trainer(divergence="continue", epochs=30, lr=2.0, clip=1e9, schedule="constant"))
    assert len(found.updates) == 90
    assert 20 <= found.diverged < 90
    assert (run.folder / "progress.jsonl").read_text().count("has diverged") == 1


@pytest.mark.parametrize("family", ["gpt", "llama", "hybrid"])
def test_healthy_runs_raise_no_alarm(run: Run, family: str) -> None:
    found = run.train(run.trainer(family, epochs=30, schedule="wsd"))
    assert (len(found.updates), found.diverged) == (90, 0)
