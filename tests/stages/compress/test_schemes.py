"""What rounding keeps, and that what is stored means what it should."""

import pytest

pytestmark = pytest.mark.heavy


def tensors(family: str):
    import torch  # noqa: PLC0415

    torch.manual_seed(1)
    if family == "gpt":
        return {
            "transformer.wte.weight": torch.randn(300, 64),
            "transformer.h.0.attn.c_attn.weight": torch.randn(64, 192),
            "transformer.h.0.attn.c_attn.bias": torch.randn(192),
            "transformer.h.0.mlp.c_proj.weight": torch.randn(256, 64),
            "transformer.h.0.ln_1.weight": torch.randn(64),
        }
    return {
        "model.embed_tokens.weight": torch.randn(300, 64),
        "model.layers.0.self_attn.q_proj.weight": torch.randn(64, 64),
        "model.layers.0.mlp.down_proj.weight": torch.randn(64, 128),
        "model.layers.0.input_layernorm.weight": torch.randn(64),
        "lm_head.weight": torch.randn(300, 64),
    }


MATRICES = ("c_attn.weight", "c_proj.weight", "q_proj.weight", "down_proj.weight")


@pytest.mark.parametrize("family", ["gpt", "llama"])
@pytest.mark.parametrize(
    ("scheme", "group", "most"), [("int8", None, 1 / 254), ("int4", None, 1 / 14), ("int4", 32, 1 / 14), ("fp8", None, 1 / 16)]
)
def test_no_weight_is_further_off_than_half_a_step(family: str, scheme, group, most: float) -> None:
    from ryot.stages.compress.schemes import restored, rounded  # noqa: PLC0415

    before = tensors(family)
    after = restored(rounded(before, scheme, group))
    assert after.keys() == before.keys()
    for name, tensor in before.items():
        assert after[name].shape == tensor.shape
        off = (after[name] - tensor).abs()
        if name.endswith(MATRICES):
            assert float(off.max()) > 0
            outputs_first = tensor if family == "llama" else tensor.t()
            off = off if family == "llama" else off.t()
            groups = outputs_first.reshape(outputs_first.shape[0], -1, group or outputs_first.shape[1])
            largest = groups.abs().amax(2, keepdim=True)
            assert bool((off.reshape(groups.shape) <= largest * most * 1.001).all())
        else:
            assert float((off / tensor.abs().clamp_min(1e-3)).max()) < 2**-7  # bf16


@pytest.mark.parametrize(("scheme", "times"), [("int8", 3.9), ("fp8", 3.9), ("int4", 7.0)])
def test_matrices_are_as_much_smaller_as_their_bits(scheme, times: float) -> None:
    import torch  # noqa: PLC0415

    from ryot.stages.compress.schemes import rounded  # noqa: PLC0415

    before = {"model.layers.0.mlp.down_proj.weight": torch.randn(512, 1024)}
    after = rounded(before, scheme, 128 if scheme == "int4" else None)
    sizes = [sum(tensor.numel() * tensor.element_size() for tensor in side.values()) for side in (before, after)]
    assert sizes[0] / sizes[1] > times


def test_a_row_of_zeros_stays_one() -> None:
    import torch  # noqa: PLC0415

    from ryot.stages.compress.schemes import restored, rounded  # noqa: PLC0415

    name = "model.layers.0.self_attn.q_proj.weight"
    weight = torch.randn(4, 64)
    weight[2] = 0
    for scheme in ("int8", "int4", "fp8"):
        found = restored(rounded({name: weight}, scheme, None))[name]
        assert torch.isfinite(found).all()
        assert not found[2].any()


def test_groups_are_taken_only_where_they_divide_every_row() -> None:
    import torch  # noqa: PLC0415

    from ryot.stages.compress.schemes import fitting_group  # noqa: PLC0415

    name = "model.layers.0.self_attn.{}_proj.weight"
    even, odd = {name.format("q"): torch.zeros(8, 256)}, {name.format("q"): torch.zeros(8, 256), name.format("k"): torch.zeros(8, 96)}
    assert (fitting_group(even, 128), fitting_group(odd, 128), fitting_group(odd, 32), fitting_group(even, None)) == (128, None, 32, None)
