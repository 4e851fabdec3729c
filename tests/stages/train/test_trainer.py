from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import NodeError
from ryot.stages.train.documents import Documents, specials
from ryot.stages.train.stage import CompressorChoice, KernelChoice, ModelShape, Recipe, TrainConfig
from tests.stages.train.conftest import SHAPES

pytestmark = pytest.mark.heavy


@pytest.fixture
def make_trainer(make_tokens: Callable[..., Path], world: Any) -> Callable[..., Any]:
    """Call it with a shape and settings to get a trainer; all of one test train on the same documents."""
    from ryot.stages.train.trainer import Trainer  # noqa: PLC0415 - it imports torch

    folder = make_tokens()

    def make(shape: ModelShape, *, level: int = 1, packed: bool = False, **recipe: Any) -> Any:
        fields = {"batch_size": 8, "epochs": 2, "lr": 1e-2, "clip": 1e9} | recipe
        config = TrainConfig(
            model=shape,
            recipe=Recipe.model_validate(fields),
            kernel=KernelChoice(level=level),
            compressor=CompressorChoice(ratio=0.3) if packed else None,
        )
        return Trainer(config, Documents(folder, "train", shape.context), specials(folder), world)

    return make


def gradients(trainer: Any) -> tuple[float, Any]:
    """The loss and all gradients of the first update, before the step."""
    import torch  # noqa: PLC0415

    tokens, total = trainer.documents.targets(trainer._of(0)), 0.0
    forwards = trainer.forwards(0)
    for rows in forwards:
        loss = trainer.loss(rows) / tokens
        trainer.engine.backward(loss, last=rows is forwards[-1])
        total += float(loss.detach())
    return total, torch.cat([parameter.grad.flatten() for parameter in trainer.engine.parameters])


@pytest.mark.parametrize("level", [0, 1])
def test_packed_rows_give_the_losses_and_gradients_of_padded_rows(make_trainer: Any, packable: ModelShape, level: int) -> None:
    padded, packed = make_trainer(packable, level=0), make_trainer(packable, level=level, packed=True)
    assert sum(rows.size for rows in packed.forwards(0)) < sum(rows.size for rows in padded.forwards(0))
    (padded_loss, padded_gradients), (packed_loss, packed_gradients) = gradients(padded), gradients(packed)
    assert packed_loss == pytest.approx(padded_loss, abs=1e-5)
    assert float((padded_gradients - packed_gradients).abs().max()) < 1e-5


def test_whole_runs_agree_whatever_the_kernel_and_the_rows(make_trainer: Any, packable: ModelShape) -> None:
    plain, stack = make_trainer(packable, level=0), make_trainer(packable, level=1, packed=True)
    for index in range(plain.updates):
        slow, fast = plain.update(index), stack.update(index)
        assert fast.loss == pytest.approx(slow.loss, abs=1e-4)
        assert (fast.tokens, fast.plain) == (slow.tokens, slow.plain)


@pytest.mark.parametrize("packed", [False, True])
def test_changing_the_attention_on_the_way_changes_no_loss(make_trainer: Any, packable: ModelShape, packed: bool) -> None:
    steady, changing = make_trainer(packable, packed=packed), make_trainer(packable, packed=packed)
    for index in range(steady.updates):
        changing.tuner.chosen["attention"] = "eager" if index % 2 else "sdpa"
        assert changing.update(index).loss == pytest.approx(steady.update(index).loss, abs=1e-4)
        assert changing.engine.model.config._attn_implementation.endswith(changing.tuner.chosen["attention"])


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_packed_rows_in_bf16_keep_the_loss_near(make_trainer: Any, packable: ModelShape, attention: str) -> None:
    plain, half = make_trainer(packable, packed=True), make_trainer(packable, packed=True)
    half.tuner.chosen |= {"precision": "bf16", "attention": attention}
    for index in range(plain.updates):
        assert half.update(index).loss == pytest.approx(plain.update(index).loss, rel=0.01)
    assert half.tuner.chosen["precision"] == "bf16"


def test_bf16_keeps_weights_and_moments_in_fp32_and_the_loss_near(make_trainer: Any, shape: ModelShape) -> None:
    import torch  # noqa: PLC0415

    plain, half = make_trainer(shape), make_trainer(shape)
    half.tuner.chosen["precision"] = "bf16"
    losses = [(plain.update(index).loss, half.update(index).loss) for index in range(plain.updates)]
    assert 0 < half.tuner.chosen["gradient_error"] < 0.1
    assert any(ours != theirs for ours, theirs in losses)
    assert all(ours == pytest.approx(theirs, rel=0.01) for theirs, ours in losses)
    moments = [tensor for state in half.engine.moments.values() for tensor in state.values()]
    assert {tensor.dtype for tensor in [*half.engine.masters, *moments]} == {torch.float32}


def test_checking_bf16_draws_no_random_number_and_leaves_no_gradient(make_trainer: Any, shape: ModelShape) -> None:
    import torch  # noqa: PLC0415

    from ryot.stages.train.agreement import gradient_error  # noqa: PLC0415 - it imports torch

    trainer = make_trainer(shape.model_copy(update={"dropout": 0.1}))
    rows, before = trainer.forwards(0)[0], torch.get_rng_state()
    gradient_error(trainer.engine, lambda: trainer._loss(trainer.engine.model, rows), trainer.world)
    assert torch.equal(before, torch.get_rng_state())
    assert all(part.grad is None for part in trainer.engine.parameters)
    assert trainer.engine.model.training


def test_bf16_with_wrong_gradients_is_found_out_and_the_run_goes_on_in_fp32(make_trainer: Any, packable: ModelShape) -> None:
    import torch  # noqa: PLC0415

    plain, trainer = make_trainer(packable), make_trainer(packable)
    trainer.tuner.chosen["precision"] = "bf16"

    def spoil(_module: Any, _inputs: Any, output: Any) -> Any:
        return output * 3 if torch.is_autocast_enabled("cpu") else output

    trainer.engine.model.get_input_embeddings().register_forward_hook(spoil)
    assert trainer.update(0).loss == plain.update(0).loss
    assert trainer.tuner.chosen["precision"] == "fp32"


def test_accumulation_changes_nothing_but_memory(make_trainer: Any, shape: ModelShape) -> None:
    one, four = make_trainer(shape, batch_size=8), make_trainer(shape, batch_size=2, accumulation=4)
    for index in range(one.updates):
        assert four.update(index).loss == pytest.approx(one.update(index).loss, abs=1e-4)


def test_the_same_seed_trains_the_same_weights_bit_for_bit(make_trainer: Any, shape: ModelShape) -> None:
    dropping = shape.model_copy(update={"dropout": 0.1})
    first, second, other = make_trainer(dropping), make_trainer(dropping), make_trainer(dropping, seed=1)
    assert first.initial_weights == second.initial_weights != other.initial_weights
    losses = []
    for trainer in (first, second):
        import torch  # noqa: PLC0415

        torch.manual_seed(0)
        losses.append([trainer.update(index).loss for index in range(3)])
    assert losses[0] == losses[1]


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_recomputing_the_blocks_changes_no_bit_and_saves_activations(make_trainer: Any, shape: ModelShape, dropout: float) -> None:
    import torch  # noqa: PLC0415

    from ryot.stages.train.memory import tensor_bytes  # noqa: PLC0415

    dropping, runs, sizes = shape.model_copy(update={"dropout": dropout}), [], []
    for recompute in (False, True):
        trainer = make_trainer(dropping, recompute=recompute)
        torch.manual_seed(0)
        runs.append([(update.loss, update.grad_norm) for update in map(trainer.update, range(3))])
        sizes.append(tensor_bytes(trainer))
    assert runs[0] == runs[1]
    assert sizes[1] < sizes[0]


def test_kernels_change_no_loss_of_a_hybrid(make_trainer: Any) -> None:
    plain, fused = (make_trainer(SHAPES["hybrid"], level=level) for level in (0, 1))
    for index in range(4):
        assert fused.update(index).loss == pytest.approx(plain.update(index).loss, abs=1e-4)


@pytest.mark.parametrize(("zero", "offload"), [(1, "optimizer"), (2, "optimizer"), (3, "optimizer"), (3, "all")])
def test_what_is_offloaded_trains_alike_and_goes_on_from_a_checkpoint(make_trainer: Any, zero: int, offload: str) -> None:
    """DeepSpeed's offloading in the host's memory alone; on a CPU a run refuses it, but its states can be looked at here."""
    shape = SHAPES["llama"]
    plain, first, second = (make_trainer(shape, zero_stage=zero, offload=where) for where in ("none", offload, offload))
    losses = [first.update(index).loss for index in range(2)]
    assert losses == pytest.approx([plain.update(index).loss for index in range(2)], abs=1e-5)
    state = first.engine.state()
    rest = [first.update(index).loss for index in range(2, 4)]
    second.update(0)
    second.engine.restore(state)
    assert [second.update(index).loss for index in range(2, 4)] == rest


def test_training_learns(make_trainer: Any, shape: ModelShape) -> None:
    trainer = make_trainer(shape, epochs=6)
    losses = [trainer.update(index).loss for index in range(trainer.updates)]
    assert losses[-1] < losses[0] - 1


def test_the_padding_removed_is_what_padded_rows_would_take_more(make_trainer: Any, packable: ModelShape) -> None:
    plain, packed = make_trainer(packable).update(0), make_trainer(packable, packed=True).update(0)
    assert plain.positions == plain.plain == packed.plain
    assert packed.tokens < packed.positions < packed.plain


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_no_number_stops_the_run_within_one_update(make_trainer: Any, shape: ModelShape, value: float) -> None:
    trainer = make_trainer(shape)
    trainer.update(0)
    trainer.engine.masters[0].data[10] = value
    with pytest.raises(NodeError, match=r"update 2 of 6 has the (loss|gradient norm) (nan|inf)") as caught:
        trainer.update(1)
    assert "lower train.lr" in (caught.value.hint or "")


def test_a_gradient_that_is_no_number_stops_the_run(make_trainer: Any, shape: ModelShape) -> None:
    trainer = make_trainer(shape)
    parameter = trainer.engine.parameters[0]
    parameter.register_hook(lambda gradient: gradient * float("nan"))
    with pytest.raises(NodeError, match="gradient norm nan"):
        trainer.update(0)


def test_clipping_bounds_the_step_and_reports_the_norm_before_it(make_trainer: Any, shape: ModelShape) -> None:
    free, clipped = make_trainer(shape).update(0), make_trainer(shape, clip=1e-3).update(0)
    assert clipped.grad_norm == pytest.approx(free.grad_norm, rel=1e-5)
    assert clipped.grad_norm > 1e-3


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_compiled_loss_and_its_gradient_are_the_plain_ones(precision: str) -> None:
    import torch  # noqa: PLC0415

    from ryot.stages.train.rows import NO_TARGET  # noqa: PLC0415 - it imports torch
    from ryot.stages.train.trainer import sum_loss  # noqa: PLC0415 - it imports torch

    compiled = torch.compile(sum_loss, dynamic=True)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    for rows, length in ((3, 17), (1, 64)):  # another shape is no new code
        torch.manual_seed(0)
        targets = torch.randint(0, 300, (rows, length))
        targets[:, ::5] = NO_TARGET
        plain, fused = (torch.randn(rows, length, 300, generator=torch.Generator().manual_seed(1), dtype=dtype) for _ in range(2))
        losses = [function(logits.requires_grad_(), targets) for function, logits in ((sum_loss, plain), (compiled, fused))]
        for loss in losses:
            loss.backward()
        assert losses[1].dtype == torch.float32
        assert losses[1].item() == pytest.approx(losses[0].item(), rel=1e-6)
        assert plain.grad is not None
        assert fused.grad is not None
        assert torch.allclose(fused.grad, plain.grad, rtol=1e-2 if precision == "bf16" else 1e-4, atol=1e-7)
        assert not fused.grad[:, ::5].any()


def test_a_compiled_run_compiles_its_loss_too_and_agrees_with_a_plain_one(make_trainer: Any, packable: ModelShape) -> None:
    import torch  # noqa: PLC0415

    from ryot.stages.train.trainer import sum_loss  # noqa: PLC0415 - it imports torch

    plain, stack = make_trainer(packable), make_trainer(packable, level=2)
    stack.tuner.chosen["precision"] = "fp32"
    try:
        for index in range(2):
            assert stack.update(index).loss == pytest.approx(plain.update(index).loss, abs=1e-4)
        assert stack._sum_loss is not sum_loss
    finally:
        torch.compiler.set_stance("default")


def test_a_hybrid_in_passes_of_one_row_trains_at_every_level(make_trainer: Any) -> None:
    import torch  # noqa: PLC0415

    plain, compiled = (make_trainer(SHAPES["hybrid"], level=level, batch_size=1, accumulation=2) for level in (1, 2))
    compiled.tuner.chosen["precision"] = "fp32"
    try:
        for index in range(2):
            assert compiled.update(index).loss == pytest.approx(plain.update(index).loss, abs=1e-4)
    finally:
        torch.compiler.set_stance("default")
