"""Memory of a served model: weights, keys and values, the state of Mamba layers, and how many sequences fit. Held against vLLM's report.

What the engine itself needs beside them (activations of a batch, graphs, the runtime: 1 to 3 GiB on an accelerator) is not in it.
"""

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from ryot.spec.model import Model

Stored = Literal["fp32", "bf16", "fp16", "int8", "fp8", "int4"]
BYTES = MappingProxyType({"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "int8": 1.0, "fp8": 1.0, "int4": 0.5})
"""Bytes of one number by type. int8, fp8 and int4 without their scales, which add 0.1 to 3 %."""
BLOCK = MappingProxyType({"cpu": 128, "cuda": 16, "rocm": 16})
"""Tokens that vLLM reserves together, by kind of device (vllm/platforms/cpu.py; its default elsewhere)."""

STATES = MappingProxyType({"cpu": 1, "cuda": 3, "rocm": 3})
"""Blocks of state that vLLM keeps for a sequence in each group of Mamba layers: 3 with prefix caching, its default; on a CPU ryot
switches that off for hybrids, and it is 1. Both held against what vLLM 0.32 reports at its start."""


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many sequences of full context fit at once, what each reserves in bytes, and the tokens of a block."""

    sequences: float
    bytes_per_sequence: int
    block: int


def weights_bytes(parameters: int, dtype: Stored) -> int:
    """P x bytes of the type. P as built, tied weights counted once."""
    return math.ceil(parameters * BYTES[dtype])


def saved_bytes(matrices: int, dtype: Stored, scheme: Stored | None) -> int:
    """Bytes fewer where the matrices inside the blocks are served as `scheme` instead of `dtype`; 0 where they are not. What is stored in
    bf16 beside them is served in `dtype`."""
    return 0 if scheme is None else weights_bytes(matrices, dtype) - weights_bytes(matrices, scheme)


def bytes_read(parameters: int, embedding: int, dtype: Stored, *, tied: bool) -> int:
    """Bytes of weights that one forward pass reads: all, but of an untied embedding only rows. Tied, it is read as the head.

    `parameters` are all but tables of positions, of which also only rows are read.
    """
    return weights_bytes(parameters if tied else parameters - embedding, dtype)


def kv_bytes_per_token(model: Model, dtype: Stored) -> int:
    """2 x attention layers x width of keys x bytes: one key and one value a layer (Pope et al. 2022; GQA: Ainslie et al. 2023)."""
    return round(2 * model.attention_count * model.kv_size * BYTES[dtype])


def state_bytes_per_sequence(model: Model, dtype: Stored) -> int:
    """What a sequence's Mamba-2 layers keep, whatever its length; 0 without such layers.

    A layer: the last K - 1 inputs of the convolution over d_inner + 2 G N channels, and the state of d_inner x N, both in `dtype`, as
    vLLM keeps them (MambaStateShapeCalculator.mamba2_state_shape). d_inner = expand x hidden_size, N state_size, G groups, K conv_size.
    """
    return (model.layers - model.attention_count) * _layer_state(model, dtype) if model.family == "hybrid" else 0


def block_tokens(model: Model, dtype: Stored, kind: Literal["cpu", "cuda", "rocm"]) -> int:
    """Tokens of a block. In a hybrid vLLM widens the blocks of attention until one holds a Mamba layer's state
    (Platform._align_hybrid_block_size), so that all layers draw from one pool."""
    block, layer = BLOCK[kind], 2 * model.kv_size * BYTES[dtype]
    if model.family != "hybrid" or not model.attention_count or model.attention_count == model.layers:
        return block
    return block * math.ceil(_layer_state(model, dtype) / (block * layer))


def max_concurrency(
    model: Model, reserve: int, dtype: Stored, kind: Literal["cpu", "cuda", "rocm"], context: int | None = None
) -> Concurrency:
    """Sequences of `context` tokens (by default the model's) that a reserve of bytes holds: the engine gives whole blocks.

    Transformers: blocks of the reserve / blocks of a sequence. Hybrids: vLLM puts the layers in groups of as many as the rarer kind
    has (as the commoner, where that is less than 1.5 times as many); a pool block is one page of each layer in a group, and a sequence
    takes ceil(context / block) of them for each group of attention layers and STATES for each group of Mamba layers
    (vllm/v1/core/kv_cache_utils.py, vllm/v1/kv_cache_interface.py). Held against vLLM 0.32 for the llama and for the hybrid.
    """
    block = block_tokens(model, dtype, kind)
    tokens = math.ceil((context or model.context) / block)
    page = round(2 * model.kv_size * BYTES[dtype] * block)
    attention, mamba = model.attention_count, model.layers - model.attention_count
    if model.family != "hybrid" or not mamba:
        pool, blocks = page * attention, tokens
    elif not attention:
        pool, blocks = _layer_state(model, dtype) * mamba, STATES[kind]
    else:
        few, many = sorted((attention, mamba))
        group = many if many < 1.5 * few else few
        pool, blocks = page * group, math.ceil(attention / group) * tokens + STATES[kind] * math.ceil(mamba / group)
    return Concurrency(reserve // pool / blocks, pool * blocks, block)


def _layer_state(model: Model, dtype: Stored) -> int:
    mixer = model.mixer
    inner = mixer.expand * model.hidden_size
    convolution = (mixer.conv_size - 1) * (inner + 2 * mixer.groups * mixer.state_size)
    return round((convolution + inner * mixer.state_size) * BYTES[dtype])
