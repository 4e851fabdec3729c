"""How many numbers low-rank adapters have, exactly, from the model's shape: r (in + out) for each matrix (Hu et al. 2021). Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ryot.spec.model import Model


def adapter_parameters(model: Model, modules: Iterable[str], rank: int) -> int:
    """The trained numbers of adapters of a rank on these matrices, in every block that has them."""
    return rank * sum(_count(model, name) * sum(_sides(model, name)) for name in modules)


def _count(model: Model, name: str) -> int:
    """How many blocks have such a matrix."""
    if name.startswith("mamba."):
        return model.layers - model.attention_count
    return model.attention_count if name in ("q_proj", "k_proj", "v_proj", "o_proj") else model.layers


def _sides(model: Model, name: str) -> tuple[int, int]:
    """A matrix's inputs and outputs."""
    d, f, mamba = model.hidden_size, model.ffn_size, model.mixer
    inner = mamba.expand * d
    return {
        "attn.c_attn": (d, 3 * d),
        "attn.c_proj": (d, d),
        "mlp.c_fc": (d, f),
        "mlp.c_proj": (f, d),
        "q_proj": (d, d),
        "k_proj": (d, model.kv_size),
        "v_proj": (d, model.kv_size),
        "o_proj": (d, d),
        "gate_proj": (d, f),
        "up_proj": (d, f),
        "down_proj": (f, d),
        "shared_mlp.input_linear": (d, 2 * f),
        "shared_mlp.output_linear": (f, d),
        "mamba.in_proj": (d, 2 * inner + 2 * mamba.groups * mamba.state_size + inner // mamba.head_size),
    }[name]
