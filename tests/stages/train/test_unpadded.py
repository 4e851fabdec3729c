from typing import Any

import pytest

from ryot.stages.train.documents import Specials
from ryot.stages.train.stage import ModelShape

pytestmark = pytest.mark.heavy
SPECIALS = Specials(bos=None, eos=1, pad=2)
ROW = [5, 6, 7, 8, 9, 10, 11, 12, 13]
LENGTHS = [4, 2, 3]


def places(lengths: list[int]) -> dict[str, Any]:
    """The arguments that say where the documents of a row stand."""
    import torch  # noqa: PLC0415 - only the heavy tests pay for it

    from ryot.stages.train.unpadded import documents  # noqa: PLC0415

    positions = torch.cat([torch.arange(length) for length in lengths])[None]
    segments = torch.cat([torch.full((length,), number) for number, length in enumerate(lengths, 1)])[None]
    return {"position_ids": positions} | documents(segments, positions)


def model_of(shape: ModelShape, attention: str) -> Any:
    """A model in evaluation whose rows are packed."""
    from ryot.stages.train.model import build  # noqa: PLC0415
    from ryot.stages.train.unpadded import UNPADDED, keep_projections_together  # noqa: PLC0415

    model = build(shape, SPECIALS, seed=1).eval()
    model.set_attn_implementation(UNPADDED[attention])
    keep_projections_together(model)
    return model


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_document_is_computed_as_if_it_were_alone(packable: ModelShape, attention: str) -> None:
    import torch  # noqa: PLC0415

    model = model_of(packable, attention)
    with torch.no_grad():
        packed = model(torch.tensor([ROW]), **places(LENGTHS)).logits[0]
        start = 0
        for length in LENGTHS:
            alone = model(torch.tensor([ROW[start : start + length]])).logits[0]
            assert torch.allclose(packed[start : start + length], alone, atol=1e-5)
            start += length


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_plain_rows_are_attended_to_as_ever(packable: ModelShape, attention: str) -> None:
    import torch  # noqa: PLC0415

    model = model_of(packable, attention)
    ids = torch.tensor([ROW, ROW[::-1]])
    with torch.no_grad():
        ours = model(ids).logits
        model.set_attn_implementation(attention)
        assert torch.allclose(ours, model(ids).logits, atol=1e-5)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_spreading_out_gives_what_one_by_one_gives(packable: ModelShape, attention: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """GPUs spread the documents out over rows; here a CPU is made to."""
    import torch  # noqa: PLC0415

    from ryot.stages.train import unpadded  # noqa: PLC0415

    model = model_of(packable, attention)
    gradients = []
    for name in ("one by one", "spread out"):
        model.zero_grad()
        if name == "spread out":
            for module in model.modules():
                vars(module).pop("forward", None)  # the projection comes apart again
            monkeypatch.setattr(unpadded, "_one_by_one", lambda *given: unpadded._spread_out(*given[:3], given[4], plain(given[3])))
        model(torch.tensor([ROW]), **places(LENGTHS)).logits.sin().sum().backward()
        gradients.append(torch.cat([part.grad.flatten() for part in model.parameters() if part.grad is not None]))
    assert torch.allclose(*gradients, atol=1e-5)


def plain(how: str) -> Any:
    """Causal attention over rows [D, H, L, K], by definition."""
    import torch  # noqa: PLC0415

    def attention(query: Any, key: Any, value: Any) -> Any:
        groups, length = query.shape[1] // key.shape[1], query.shape[2]
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
        scores = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5
        return (scores.masked_fill(torch.ones(length, length).triu(1).bool(), -1e30).softmax(-1) @ value).transpose(1, 2)

    return attention


@pytest.mark.parametrize("how", ["sdpa", "eager"])
def test_the_derivative_is_that_of_autograd(how: str) -> None:
    import torch  # noqa: PLC0415

    from ryot.stages.train.ragged import attend  # noqa: PLC0415

    torch.manual_seed(0)
    qkv = torch.randn(9, 3, 2, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda given: attend(given, LENGTHS, how, 0.5), (qkv,))
