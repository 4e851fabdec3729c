"""The hybrid network: Hugging Face's GraniteMoeHybrid without experts, that is attention or Mamba-2, and a SwiGLU after each.

A Mamba-2 mixer carries its state along the whole row: padding on the right is harmless, but a row must not hold two documents.
"""

import math
from typing import Any

import torch
from torch import nn
from transformers import GraniteMoeHybridConfig, GraniteMoeHybridForCausalLM, PreTrainedModel

from ryot.stages.train.dropout import HookedDropout
from ryot.stages.train.rope import rope_parameters
from ryot.stages.train.stage import ModelShape

CHUNK = 256
"""Positions of a chunk of the scan, fewer where the context is shorter. It changes rounding and speed only."""
DECAY = (1.0, 16.0)
"""The least and the largest first A."""
STEP = (1e-3, 1e-1)
"""The least and the largest first step of the discretisation."""


def hybrid(shape: ModelShape, common: dict[str, Any]) -> PreTrainedModel:
    """A hybrid at a shape that has its `mamba` and `attention_layers`; `common` are settings of every family."""
    mamba, placed = shape.mamba, shape.attention_layers
    assert mamba is not None  # `model_shape` gives a hybrid both
    assert placed is not None
    config = GraniteMoeHybridConfig(
        vocab_size=shape.vocab_size,
        hidden_size=shape.hidden_size,
        num_hidden_layers=shape.layers,
        layer_types=["full_attention" if layer in placed else "linear_attention" for layer in range(shape.layers)],
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads or shape.heads,
        attention_multiplier=(shape.hidden_size // shape.heads) ** -0.5,
        num_local_experts=0,
        num_experts_per_tok=0,
        intermediate_size=shape.ffn_size,
        shared_intermediate_size=shape.ffn_size,
        max_position_embeddings=shape.context,
        position_embedding_type="rope",
        rope_parameters=rope_parameters(shape),
        mamba_d_state=mamba.state_size,
        mamba_d_head=mamba.head_size,
        mamba_n_heads=mamba.expand * shape.hidden_size // mamba.head_size,
        mamba_n_groups=mamba.groups,
        mamba_d_conv=mamba.conv_size,
        mamba_expand=mamba.expand,
        mamba_chunk_size=min(CHUNK, 1 << (shape.context - 1).bit_length()),
        **common,
    )
    model = GraniteMoeHybridForCausalLM(config)
    if shape.dropout:
        _drop(model, shape.dropout)
    return model


def fill_mixer(name: str, parameter: nn.Parameter, generator: torch.Generator) -> bool:
    """The first weights that only a Mamba-2 mixer has, as its authors draw them (Dao & Gu 2024, their `Mamba2` class).

    A uniform in DECAY and D 1; the steps log-uniform in STEP, kept as what softplus turns into them; the convolution uniform up to
    1 / sqrt(taps), its bias 0. Returns whether `name` is one of these.
    """
    match name.rpartition("mamba.")[2]:
        case "A_log":
            nn.init.uniform_(parameter, *DECAY, generator=generator).log_()
        case "D":
            nn.init.ones_(parameter)
        case "dt_bias":
            nn.init.uniform_(parameter, math.log(STEP[0]), math.log(STEP[1]), generator=generator)
            step = parameter.exp()
            parameter.copy_(step + torch.log(-torch.expm1(-step)))
        case "conv1d.weight":
            bound = parameter.shape[-1] ** -0.5
            nn.init.uniform_(parameter, -bound, bound, generator=generator)
        case _:
            return False
    return True


def _drop(model: GraniteMoeHybridForCausalLM, p: float) -> None:
    """Dropout on embeddings and residual branches. A mixer is hooked as a whole: fused kernels pass its output projection by."""
    mixers = [layer.self_attn.o_proj if layer.mamba is None else layer.mamba for layer in model.model.layers]
    for module in (model.model.embed_tokens, *mixers, *(layer.shared_mlp for layer in model.model.layers)):
        module.register_forward_hook(HookedDropout(p))
