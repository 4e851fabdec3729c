from typing import Any

import pytest

pytestmark = pytest.mark.heavy


@pytest.fixture
def dropout() -> Any:
    from ryot.stages.train import dropout  # noqa: PLC0415 - it imports torch

    return dropout


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.9])
def test_a_share_of_p_is_dropped_and_the_mean_stays(dropout: Any, p: float) -> None:
    """A million draws: the share's standard deviation is at most 0.0005."""
    import torch  # noqa: PLC0415

    torch.manual_seed(3)
    mask = dropout.dropout_mask(torch.empty(1000, 1001), p)
    kept = mask[mask > 0]
    assert abs(1 - len(kept) / mask.numel() - p) < 0.0025
    assert len(kept.unique()) == 1
    assert float(kept[0]) == pytest.approx(1 / (1 - p), rel=1e-3)


def test_masks_are_new_each_time_and_the_seed_s_alone(dropout: Any) -> None:
    import torch  # noqa: PLC0415

    like = torch.empty(64, 65)
    torch.manual_seed(1)
    first, second = dropout.dropout_mask(like, 0.5), dropout.dropout_mask(like, 0.5)
    torch.manual_seed(1)
    assert torch.equal(dropout.dropout_mask(like, 0.5), first)
    assert not torch.equal(first, second)
    assert abs(float(((first > 0) == (second > 0)).float().mean()) - 0.5) < 0.05


def test_what_was_dropped_has_no_gradient_and_evaluation_drops_nothing(dropout: Any) -> None:
    import torch  # noqa: PLC0415

    model = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Dropout(0.0))
    dropout.draw_masks(model)
    x = torch.ones(1000, requires_grad=True)
    y = model(x)
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(y.detach(), x.grad)
    assert set(y.tolist()) == {0.0, 2.0}
    assert torch.equal(model.eval()(x), x)


def test_compiled_code_draws_each_mask_once_and_anew(dropout: Any) -> None:
    """Were a mask drawn again for the backward pass, dropped elements would have gradients."""
    import torch  # noqa: PLC0415

    def twice(x: Any) -> Any:
        return dropout.drawn_dropout(dropout.drawn_dropout(x, 0.5).exp(), 0.5)

    compiled = torch.compile(twice)
    x = torch.zeros(4096, requires_grad=True)
    y = compiled(x)
    y.sum().backward()
    assert x.grad is not None
    assert bool(((x.grad > 0) <= (y > 0)).all())
    assert abs(float((y > 0).float().mean()) - 0.5) < 0.05
    assert abs(float((x.grad > 0).float().mean()) - 0.25) < 0.05
    assert not torch.equal(compiled(x), y)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("family", "places"), [("gpt", 5), ("llama", 5), ("hybrid", 7)])
def test_every_family_draws_its_masks_so(family: str, places: int, compiled: bool, make_tokens: Any, monkeypatch: Any) -> None:
    """After the embedding, and on both branches of each block."""
    import torch  # noqa: PLC0415

    from ryot.stages.train import dropout, model  # noqa: PLC0415
    from ryot.stages.train.documents import specials  # noqa: PLC0415
    from tests.stages.train.conftest import SHAPES  # noqa: PLC0415

    network = model.build(SHAPES[family].model_copy(update={"dropout": 0.5}), specials(make_tokens()), seed=1).train()
    drawn: list[int] = []
    plain = dropout.dropout_mask
    if not compiled:
        monkeypatch.setattr(dropout, "dropout_mask", lambda like, p: drawn.append(like.numel()) or plain(like, p))
    dropout.draw_masks(network)
    for block in model.blocks(network) if compiled else ():
        block.compile(dynamic=True)
    ids = torch.arange(3, 23).repeat(2, 1)
    torch.manual_seed(5)
    first, second = (network(input_ids=ids).logits for _ in range(2))
    torch.manual_seed(5)
    assert torch.equal(network(input_ids=ids).logits, first)
    assert not torch.equal(first, second)
    assert compiled or len(drawn) == 3 * places
