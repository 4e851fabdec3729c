"""fp16 on tiny tensors, which a CPU emulates; a run refuses it there."""

from typing import Any

import pytest

from ryot.plugins import NodeError
from tests.stages.train.conftest import SHAPES
from tests.stages.train.test_trainer import make_trainer  # noqa: F401 - a fixture

pytestmark = pytest.mark.heavy

ENGINES: list[dict[str, Any]] = [{}, *({"engine": "fsdp", "sharding": sharding} for sharding in ("full", "none"))]


def test_a_device_that_only_emulates_a_precision_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch  # noqa: PLC0415

    from ryot.stages.train import probe  # noqa: PLC0415

    monkeypatch.setattr(probe, "_seconds", lambda kind, device: 3.0 if kind == torch.float16 else 1.0)
    probe.refuse_emulated("fp32", torch.device("cpu"))
    probe.refuse_emulated("bf16", torch.device("cpu"))
    with pytest.raises(NodeError, match="only emulates fp16: a product of 512x512 takes 3 times as long as in fp32"):
        probe.refuse_emulated("fp16", torch.device("cpu"))


@pytest.mark.parametrize("engine", ENGINES)
def test_fp16_learns_nearly_what_fp32_does_and_keeps_weights_in_it(make_trainer: Any, engine: dict[str, Any]) -> None:  # noqa: F811
    import torch  # noqa: PLC0415

    plain, half = (make_trainer(SHAPES["llama"], precision=precision, **engine) for precision in ("fp32", "fp16"))
    updates = [(plain.update(index), half.update(index)) for index in range(4)]
    assert all(ours.loss == pytest.approx(theirs.loss, rel=0.01) for theirs, ours in updates)
    assert any(ours.loss != theirs.loss for theirs, ours in updates)
    assert updates[0][1].grad_norm == pytest.approx(updates[0][0].grad_norm, rel=0.02)
    assert {master.dtype for master in half.engine.masters} == {torch.float32}
    assert half.engine.skipped() == sum(ours.skipped for _, ours in updates) == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_an_overflow_skips_the_update_halves_the_scale_and_is_in_the_checkpoint(make_trainer: Any, engine: dict[str, Any]) -> None:  # noqa: F811
    first, second = (make_trainer(SHAPES["llama"], precision="fp16", **engine) for _ in range(2))
    first.update(0)
    weights = [master.detach().clone() for master in first.engine.masters]
    first.engine.scaler.scale = 2.0**40
    update = first.update(1)
    assert (update.skipped, update.grad_norm, first.engine.skipped()) == (1, 0.0, 1)
    assert first.engine.scaler.scale == 2.0**39
    assert all(master.equal(weight) for master, weight in zip(first.engine.masters, weights, strict=True))
    first.engine.scaler.scale = 2.0**12
    state = first.engine.state()
    rest = [update.loss for update in map(first.update, (2, 3))]
    second.engine.restore(state)
    assert (second.engine.scaler.scale, second.engine.scaler.good, second.engine.skipped()) == (2.0**12, 0, 1)
    assert [update.loss for update in map(second.update, (2, 3))] == rest


def test_two_thousand_good_updates_in_a_row_double_the_scale() -> None:
    from ryot.stages.train.precision import Scaler  # noqa: PLC0415

    scaler = Scaler()
    assert all(scaler.takes(1.0) for _ in range(1999))
    assert not scaler.takes(float("inf"))
    assert (scaler.scale, scaler.good, scaler.skipped) == (2.0**15, 0, 1)
    assert all(scaler.takes(1.0) for _ in range(2000))
    assert (scaler.scale, scaler.good) == (2.0**16, 0)
    again = Scaler()
    again.restore(scaler.state())
    assert (again.scale, again.good, again.skipped) == (2.0**16, 0, 1)
