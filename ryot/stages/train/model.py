"""The networks themselves: Hugging Face's GPT-2, Llama and hybrid at a given shape, with seeded first weights. Always made on the CPU in
fp32.

Shapes: D hidden size, P positions.
"""

import hashlib
from typing import Any

import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from ryot.stages.train.documents import Specials
from ryot.stages.train.dropout import HookedDropout
from ryot.stages.train.hybrid import fill_mixer, hybrid
from ryot.stages.train.rope import rope_parameters
from ryot.stages.train.stage import ModelShape


def build(shape: ModelShape, specials: Specials, *, seed: int, attention: str = "sdpa") -> PreTrainedModel:
    """A model with its first weights, which depend on shape and seed only. `attention` is "eager" or "sdpa"."""
    model = network(shape, specials, attention=attention)
    with torch.no_grad():
        _fill(model, shape, torch.Generator().manual_seed(seed))
    return model


def network(shape: ModelShape, specials: Specials, *, attention: str = "sdpa") -> PreTrainedModel:
    """A model whose weights mean nothing yet; under `torch.device("meta")` they take no memory."""
    ids = {"bos_token_id": specials.bos, "eos_token_id": specials.eos, "pad_token_id": specials.pad}
    common: dict[str, Any] = {"use_cache": False, "tie_word_embeddings": shape.tied, "attn_implementation": attention, **ids}
    return _MAKERS[shape.family](shape, common)


def _gpt(shape: ModelShape, common: dict[str, Any]) -> PreTrainedModel:
    config = GPT2Config(
        vocab_size=shape.vocab_size,
        n_positions=shape.context,
        n_embd=shape.hidden_size,
        n_layer=shape.layers,
        n_head=shape.heads,
        n_inner=shape.ffn_size,
        activation_function="gelu",
        resid_pdrop=shape.dropout,
        embd_pdrop=shape.dropout,
        attn_pdrop=0.0,
        **common,
    )
    return GPT2LMHeadModel(config)


def _llama(shape: ModelShape, common: dict[str, Any]) -> PreTrainedModel:
    config = LlamaConfig(
        vocab_size=shape.vocab_size,
        hidden_size=shape.hidden_size,
        intermediate_size=shape.ffn_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads or shape.heads,
        max_position_embeddings=shape.context,
        rope_parameters=rope_parameters(shape),
        **common,
    )
    model = LlamaForCausalLM(config)
    if shape.dropout:
        _drop_llama(model, shape.dropout)
    return model


def _drop_llama(model: LlamaForCausalLM, p: float) -> None:
    """Dropout on embeddings and residual branches, which Hugging Face's Llama lacks."""
    branches = [part for layer in model.model.layers for part in (layer.self_attn.o_proj, layer.mlp.down_proj)]
    for module in (model.model.embed_tokens, *branches):
        module.register_forward_hook(HookedDropout(p))


_MAKERS = {"gpt": _gpt, "llama": _llama, "hybrid": hybrid}


def _fill(model: PreTrainedModel, shape: ModelShape, generator: torch.Generator) -> None:
    """First weights, in the order of the names: gpt's matrices by Xavier, the others' normal with deviation 0.02; biases 0, norms 1.
    What only a Mamba-2 mixer has is `fill_mixer`'s."""
    for name, parameter in sorted(model.named_parameters()):
        if shape.family == "hybrid" and fill_mixer(name, parameter, generator):
            continue
        if name == "transformer.wpe.weight":
            parameter.requires_grad_(False).copy_(sinusoids(shape.context, shape.hidden_size))
        elif parameter.dim() < 2:
            nn.init.constant_(parameter, 0.0 if name.endswith("bias") else 1.0)
        elif shape.family == "gpt":
            nn.init.xavier_uniform_(parameter, generator=generator)
        else:
            nn.init.normal_(parameter, 0.0, 0.02, generator=generator)


def sinusoids(positions: int, width: int) -> torch.Tensor:
    """The fixed position table, [P, D]: sines on even, cosines on odd columns (Vaswani et al. 2017, section 3.5)."""
    angle_PD = torch.arange(positions, dtype=torch.float64)[:, None] / 10000 ** (torch.arange(0, width, 2, dtype=torch.float64) / width)
    table_PD = torch.empty(positions, width, dtype=torch.float64)
    table_PD[:, 0::2] = angle_PD.sin()
    table_PD[:, 1::2] = angle_PD.cos()[:, : width // 2]
    return table_PD.float()


def blocks(model: PreTrainedModel) -> list[nn.Module]:
    """The transformer blocks, in order."""
    return list(model.transformer.h if hasattr(model, "transformer") else model.model.layers)


def hidden_matrices(model: PreTrainedModel) -> list[nn.Parameter]:
    """The matrices inside the blocks that training changes, in order."""
    inside = (parameter for block in blocks(model) for parameter in block.parameters())
    return [parameter for parameter in inside if parameter.requires_grad and parameter.dim() == 2]


def recompute_blocks(model: PreTrainedModel) -> None:
    """Activation checkpointing (Chen et al. 2016): each block keeps its input only, and its forward pass is made again, with the same
    random numbers, when the backward pass comes to it. Changes no result."""
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})


def stored_tensors(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """All weights as they are stored: on the CPU, tied ones once. `save_pretrained` is left to models of its own: here parameters may
    belong to an engine."""
    return {name: parameter.detach().cpu().contiguous().clone() for name, parameter in model.named_parameters()}


def parameter_count(model: PreTrainedModel, *, trainable: bool = False) -> int:
    """Parameters, tied ones once; with `trainable`, only those that training changes."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad or not trainable)


def weights_digest(model: PreTrainedModel) -> str:
    """SHA-256 over names and values of all parameters, as 64 hexadecimal digits."""
    total = hashlib.sha256()
    for name, parameter in sorted(model.named_parameters()):
        total.update(name.encode())
        total.update(parameter.detach().contiguous().numpy().tobytes())
    return total.hexdigest()
