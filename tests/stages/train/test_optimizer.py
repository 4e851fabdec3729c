"""Muon beside AdamW: what each takes, that it learns, and that its momentum is put back exactly."""

from typing import Any

import pytest

from ryot.estimate.parameters import hidden_matrices, largest_matrix
from ryot.spec.model import Model
from ryot.stages.train.stage import ModelShape
from tests.stages.train.conftest import SHAPES
from tests.stages.train.test_trainer import make_trainer  # noqa: F401 - a fixture

pytestmark = pytest.mark.heavy

ENGINES: list[dict[str, Any]] = [{}, {"engine": "fsdp", "sharding": "none"}]


def test_muon_takes_the_matrices_inside_the_blocks_and_adamw_the_rest(make_trainer: Any, shape: ModelShape) -> None:  # noqa: F811
    trainer = make_trainer(shape, optimizer="muon")
    trainer.update(0)
    kinds = {name: frozenset(trainer.engine.moments[parameter]) for name, parameter in trainer.engine.model.named_parameters()
             if parameter.requires_grad}  # fmt: skip
    muon = {name for name, kind in kinds.items() if kind == {"momentum_buffer"}}
    assert {kinds[name] for name in kinds if name not in muon} == {frozenset({"step", "exp_avg", "exp_avg_sq"})}
    sizes = {name: parameter.numel() for name, parameter in trainer.engine.model.named_parameters()}
    assert not {name for name in muon if any(part in name for part in ("embed", "wte", "lm_head", "norm", "bias", "ln_", "conv"))}
    planned = Model.model_validate(shape.model_dump())
    assert sum(sizes[name] for name in muon) == hidden_matrices(planned)
    assert max(sizes[name] for name in muon) == largest_matrix(planned)


@pytest.mark.parametrize("engine", ENGINES)
def test_muon_learns_and_goes_on_from_a_checkpoint_with_the_same_bits(make_trainer: Any, engine: dict[str, Any]) -> None:  # noqa: F811
    first, second = (make_trainer(SHAPES["llama"], optimizer="muon", epochs=4, **engine) for _ in range(2))
    losses = [first.update(index).loss for index in range(6)]
    state = first.engine.state()
    rest = [first.update(index).loss for index in range(6, 9)]
    assert rest[-1] < losses[0] - 0.5
    second.update(0)
    second.engine.restore(state)
    assert [second.update(index).loss for index in range(6, 9)] == rest


def test_muon_trains_alike_on_both_engines_and_unlike_adamw(make_trainer: Any) -> None:  # noqa: F811
    runs = [make_trainer(SHAPES["gpt"], **way) for way in ({"optimizer": "muon"}, {"optimizer": "muon", **ENGINES[1]}, {})]
    deepspeed, fsdp, adamw = ([trainer.update(index).loss for index in range(4)] for trainer in runs)
    assert fsdp == pytest.approx(deepspeed, rel=2e-3)  # five steps in bf16 make much of a last bit
    assert adamw[0] == pytest.approx(deepspeed[0], abs=1e-6)
    assert abs(adamw[3] - deepspeed[3]) > 0.02


def test_one_learning_rate_reaches_both(make_trainer: Any) -> None:  # noqa: F811
    trainer = make_trainer(SHAPES["gpt"], optimizer="muon", schedule="constant", warmup_steps=4)
    trainer.update(0)
    groups = [group for part in trainer.engine.inner.optimizer.parts for group in part.param_groups]
    assert {group["lr"] for group in groups} == {1e-2 / 4}
    assert {group["weight_decay"] for group in groups} == {0.01, 0.0}
