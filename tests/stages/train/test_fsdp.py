"""torch's own engine in this process alone: what it computes, and that its state is put back exactly."""

from typing import Any

import pytest

from ryot.stages.train.stage import ModelShape
from tests.stages.train.conftest import SHAPES
from tests.stages.train.test_trainer import make_trainer  # noqa: F401 - a fixture

pytestmark = pytest.mark.heavy

SHARDINGS = ("full", "grad_op", "none")


@pytest.mark.parametrize("sharding", SHARDINGS)
def test_fsdp_learns_what_deepspeed_does(make_trainer: Any, shape: ModelShape, sharding: str) -> None:  # noqa: F811
    deepspeed, fsdp = make_trainer(shape, clip=0.5), make_trainer(shape, clip=0.5, engine="fsdp", sharding=sharding)
    for index in range(3):
        theirs, ours = deepspeed.update(index), fsdp.update(index)
        assert ours.loss == pytest.approx(theirs.loss, abs=1e-5)
        assert ours.grad_norm == pytest.approx(theirs.grad_norm, rel=1e-4)


@pytest.mark.parametrize("sharding", SHARDINGS)
@pytest.mark.parametrize("level", [0, 1])
def test_a_state_that_is_put_back_goes_on_with_the_same_bits(make_trainer: Any, sharding: str, level: int) -> None:  # noqa: F811
    shape = SHAPES["gpt"]
    first, second = (make_trainer(shape, level=level, engine="fsdp", sharding=sharding) for _ in range(2))
    first.update(0)
    state = first.engine.state()
    assert {name.partition(".")[2] for name in state} == {"weights", "step", "exp_avg", "exp_avg_sq"}
    rest = [(update.loss, update.grad_norm) for update in map(first.update, range(1, 4))]
    second.update(0)
    second.update(1)
    with second.engine.whole():  # as an evaluation leaves it
        second.engine.restore(state)
    assert [(update.loss, update.grad_norm) for update in map(second.update, range(1, 4))] == rest


@pytest.mark.parametrize("sharding", SHARDINGS)
def test_what_is_held_is_counted_and_weights_are_whole_where_they_are_asked_for(make_trainer: Any, sharding: str) -> None:  # noqa: F811
    trainer = make_trainer(SHAPES["gpt"], engine="fsdp", sharding=sharding)
    trainer.update(0)
    with trainer.engine.whole() as model:
        weights = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    trained = sum(weights[name].numel() for name in weights if name != "transformer.wpe.weight")
    frozen = weights["transformer.wpe.weight"].numel()
    assert trainer.engine.bytes() == pytest.approx(4 * (4 * trained + frozen), rel=0.001)
    for (name,), master in zip(trainer.engine.sharding.masters, trainer.engine.masters, strict=True):
        assert weights[name].equal(master), name
