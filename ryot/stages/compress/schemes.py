"""Rounding to few bits, in the form of the compressed-tensors library, which vLLM reads. Tensors in, tensors out.

Shapes: O outputs, I inputs, G groups of a row.
"""

from __future__ import annotations

from typing import Any

import torch
from compressed_tensors.compressors import pack_to_int32, unpack_from_int32

from ryot.stages.compress.stage import Scheme

Tensors = dict[str, torch.Tensor]
FP8 = torch.float8_e4m3fn
_LARGEST = {"int8": 127.0, "fp8": 448.0, "int4": 7.0}
_TRANSPOSED = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
"""GPT-2's matrices, which are stored as inputs by outputs."""
_STRAIGHT = ("q_proj.weight", "k_proj.weight", "v_proj.weight", "o_proj.weight", "gate_proj.weight", "up_proj.weight", "down_proj.weight")
_MATRICES = (*_TRANSPOSED, *_STRAIGHT)


def rounded(tensors: Tensors, scheme: Scheme, group_size: int | None) -> Tensors:
    """The tensors of a checkpoint with the blocks' matrices in few bits and all others in bf16."""
    found: Tensors = {}
    for name, tensor in tensors.items():
        if name.endswith(_MATRICES):
            found |= _rounded(name, tensor, scheme, group_size)
        else:
            found[name] = tensor.to(torch.bfloat16) if tensor.is_floating_point() else tensor
    return {name: tensor.contiguous() for name, tensor in found.items()}


def restored(tensors: Tensors) -> Tensors:
    """What a checkpoint in few bits means, in fp32, under the names of the one it was made from."""
    found: Tensors = {}
    for name, tensor in tensors.items():
        if name.endswith((".weight_scale", ".weight_shape")):
            continue
        plain = name.removesuffix("_packed")
        if plain != name:
            steps_OI = unpack_from_int32(tensor, 4, torch.Size(tensors[f"{plain}_shape"].tolist()))
        elif f"{name}_scale" in tensors:
            steps_OI = _turned(name, tensor)
        else:
            found[name] = tensor.float()
            continue
        found[plain] = _turned(plain, _scaled(steps_OI.float(), tensors[f"{plain}_scale"])).contiguous()
    return found


def settings(scheme: Scheme, group_size: int | None) -> dict[str, Any]:
    """`quantization_config`, as config.json carries it."""
    bits, kind = (4 if scheme == "int4" else 8), ("float" if scheme == "fp8" else "int")
    weights: dict[str, Any] = {"num_bits": bits, "type": kind, "symmetric": True, "dynamic": False}
    weights |= {"strategy": "group", "group_size": group_size} if group_size else {"strategy": "channel"}
    activations = {"num_bits": 8, "type": kind, "symmetric": True, "strategy": "token", "dynamic": True} if bits == 8 else None
    group = {"targets": ["Linear"], "weights": weights, "input_activations": activations, "output_activations": None}
    form = {"int8": "int-quantized", "fp8": "float-quantized", "int4": "pack-quantized"}[scheme]
    found = {"quant_method": "compressed-tensors", "format": form, "quantization_status": "compressed", "ignore": ["lm_head"]}
    return found | {"config_groups": {"group_0": group}}


def fitting_group(tensors: Tensors, group_size: int | None) -> int | None:
    """The group size, where it divides every row; else None, a scale for each row."""
    rows = [_turned(name, tensor).shape[1] for name, tensor in tensors.items() if name.endswith(_MATRICES)]
    return group_size if group_size and all(inputs % group_size == 0 for inputs in rows) else None


def _turned(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """From the order a matrix is stored in to outputs by inputs, and back."""
    return tensor.t() if name.endswith(_TRANSPOSED) else tensor


def _rounded(name: str, tensor: torch.Tensor, scheme: Scheme, group_size: int | None) -> Tensors:
    """Symmetric rounding to the nearest: w ~ q s, with s the largest |w| of a group over the largest number there is."""
    weight_OI = _turned(name, tensor).float()
    outputs, inputs = weight_OI.shape
    weight_OGI = weight_OI.reshape(outputs, -1, group_size or inputs)
    largest = _LARGEST[scheme]
    scale_OG = (weight_OGI.abs().amax(2) / largest).clamp_min(torch.finfo(torch.float32).tiny)
    steps_OI = (weight_OGI / scale_OG[..., None]).reshape(outputs, inputs)
    stored = steps_OI.to(FP8) if scheme == "fp8" else steps_OI.round().clamp(-largest, largest).to(torch.int8)
    if scheme == "int4":
        return {f"{name}_packed": pack_to_int32(stored, 4), f"{name}_scale": scale_OG, f"{name}_shape": torch.tensor([outputs, inputs])}
    return {name: _turned(name, stored), f"{name}_scale": scale_OG}


def _scaled(steps_OI: torch.Tensor, scale_OG: torch.Tensor) -> torch.Tensor:
    outputs, inputs = steps_OI.shape
    return (steps_OI.reshape(outputs, scale_OG.shape[1], -1) * scale_OG.float()[..., None]).reshape(outputs, inputs)
