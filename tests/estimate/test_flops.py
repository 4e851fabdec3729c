"""FLOPs against torch's own counter, on random shapes of all families."""

from typing import Any

import pytest

from ryot.estimate.flops import CHUNK, Flops, chunk_size, flops_per_token, scan_flops
from ryot.spec.model import Model
from tests.estimate.test_parameters import model, shape_of, shapes


def test_a_forward_pass_takes_two_for_each_weight_of_a_matrix() -> None:
    llama = model(family="llama", vocab_size=32000, hidden_size=4096, layers=32, heads=32, ffn_size=11008, context=4096, tied=False)
    found = flops_per_token(llama, 4096)
    matrices = 6_738_415_616 - 32000 * 4096 - (2 * 32 + 1) * 4096
    assert found.forward - found.attention == 2 * matrices
    assert found.attention == 4 * 4096 * 4096 * 32
    assert found.total == 3 * found.forward


def test_only_attention_grows_with_the_sequence() -> None:
    hybrid = model(preset="hybrid-1.3b")
    short, long = flops_per_token(hybrid, 1024), flops_per_token(hybrid, 8192)
    assert long.attention == 8 * short.attention == 9 * 4 * 8192 * 2048
    assert long.forward - long.attention == short.forward - short.attention
    assert long.scan == short.scan == 15 * scan_flops(hybrid)


def test_recomputing_adds_less_than_a_forward_pass() -> None:
    plain, again = (flops_per_token(model(preset="alen-medium"), 2048, recompute) for recompute in (False, True))
    assert (again.forward, again.backward, plain.recompute) == (plain.forward, plain.backward, 0)
    assert again.recompute == again.forward - 2 * 50_000 * 512
    assert again.total == plain.total + again.recompute


def test_a_fused_backward_pass_makes_the_scores_again() -> None:
    eager, fused = (flops_per_token(model(preset="llama-small"), 256, fused=fused) for fused in (False, True))
    assert fused.backward - eager.backward == eager.attention // 2


@pytest.mark.parametrize(("context", "size"), [(8, 8), (9, 16), (128, 128), (200, CHUNK), (8192, CHUNK)])
def test_chunks_hold_short_contexts(context: int, size: int) -> None:
    assert chunk_size(context) == size


def counted(shape: Model, sequence: int, *, recompute: bool) -> tuple[Any, Any]:
    """What torch counts of a row on the meta device: by module and operation, forward and backward."""
    import torch  # noqa: PLC0415 - only the heavy tests pay for it
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    from ryot.stages.train import model as models  # noqa: PLC0415
    from ryot.stages.train.documents import Specials  # noqa: PLC0415

    with torch.device("meta"):
        network = models.network(shape_of(shape), Specials(bos=None, eos=1, pad=2)).train()
        ids, mask = torch.zeros(1, sequence, dtype=torch.long), torch.ones(1, 1, sequence, sequence, dtype=torch.bool)
    if recompute:
        models.recompute_blocks(network)
    masks: Any = {"full_attention": mask, "linear_attention": None} if shape.family == "hybrid" else mask
    forward, backward = FlopCounterMode(display=False), FlopCounterMode(display=False)
    with forward:
        logits = network(input_ids=ids, attention_mask=masks).logits
    with backward:
        logits.sum().backward()
    return forward, backward


def agree(found: float, torchs: float) -> bool:
    return abs(found - torchs) <= 0.01 * torchs


@pytest.mark.heavy
@pytest.mark.parametrize("family", ["gpt", "llama"])
@pytest.mark.parametrize("recompute", [False, True])
def test_gpt_and_llama_take_what_torch_counts(family: str, recompute: bool) -> None:
    for shape in [shape for shape in shapes(20) if shape.family == family]:
        found = flops_per_token(shape, shape.context, recompute)
        forward, backward = (counter.get_total_flops() / shape.context for counter in counted(shape, shape.context, recompute=recompute))
        assert agree(found.forward, forward), shape
        assert agree(found.backward + found.recompute, backward), shape
        assert agree(found.total, forward + backward), shape


@pytest.mark.heavy
def test_a_hybrid_takes_what_torch_counts_beside_its_scans() -> None:
    """A scan's own products are batched (bmm), as attention's are; projections are mm, and convolutions are convolutions."""
    for shape in [shape for shape in shapes(20) if shape.family == "hybrid"]:
        found = flops_per_token(shape, shape.context)
        assert agree(
            found.forward - found.attention - found.scan, _products(counted(shape, shape.context, recompute=False)[0]) / shape.context
        )


@pytest.mark.heavy
def test_a_hybrid_s_backward_pass_takes_twice_its_projections() -> None:
    for shape in [shape for shape in shapes(20) if shape.family == "hybrid"]:
        forward, backward = counted(shape, shape.context, recompute=False)
        assert agree(2 * _products(forward, "mm"), _products(backward, "mm")), shape


@pytest.mark.heavy
@pytest.mark.parametrize("mamba", [{"head_size": 16, "state_size": 8}, {"head_size": 8, "state_size": 24, "expand": 3}])
def test_a_scan_takes_what_torch_counts_and_its_recurrence(mamba: dict[str, int]) -> None:
    """One chunk holds the row. transformers computes the products of C and B for every head: here every head is a group."""
    heads = mamba.get("expand", 2) * 32 // mamba["head_size"]
    shape = model(preset="hybrid-tiny", hidden_size=32, attention_layers=[], mamba={**mamba, "groups": heads}, context=64)
    recurrence = 4 * 2 * heads * mamba["head_size"] * mamba["state_size"] / 64  # from 2 states to 2, the first of them empty
    forward, _ = counted(shape, 64, recompute=False)
    assert (scan_flops(shape) + recurrence) * shape.layers * 64 == _products(forward, "bmm")


def _products(counter: Any, *kinds: str) -> int:
    operations = counter.get_flop_counts()["Global"]
    return sum(flops for operation, flops in operations.items() if operation.__name__ in (kinds or ("mm", "addmm", "convolution")))


def test_what_a_step_takes_is_the_sum_of_its_parts() -> None:
    assert Flops(forward=2, attention=1, scan=0, backward=4, recompute=1).total == 7
