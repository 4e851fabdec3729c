"""Causal attention within each of several documents that follow one another, on a CPU: one document after the other, so that no pad is
computed and nothing is copied into rows. Queries, keys and values are one tensor, and so is its gradient, as GPT-2's projection has it:
gradients that come apart would have to be put together again, on one core.

16 documents of 112 tokens take 18 ms in a layer, fused, and 15 ms naive, forward and backward, against 26 ms when they are spread out over
padded rows (2 cores, AVX2).

Shapes: T tokens, 3 for query, key and value, H heads, K head size, N tokens of one document.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

_forward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


def attend(qkv_T3HK: torch.Tensor, lengths: Sequence[int], how: str, scale: float) -> torch.Tensor:
    """[T, H, K]: what every token sees of its own document up to itself. `how` is "sdpa" (torch's fused kernel) or "eager"."""
    out_THK: torch.Tensor = (_Fused if how == "sdpa" else _Naive).apply(qkv_T3HK, lengths, scale)
    return out_THK


class _Fused(torch.autograd.Function):  # type: ignore[misc]
    """torch's flash attention for CPUs (Dao et al. 2022)."""

    @staticmethod
    def forward(ctx: Any, qkv_T3HK: torch.Tensor, lengths: Sequence[int], scale: float) -> torch.Tensor:
        out_THK = _empty_out(qkv_T3HK)
        ctx.lengths, ctx.scale, ctx.log_sums = lengths, scale, []
        for qkv_3HNK, out_HNK in _documents(lengths, qkv_T3HK, out_THK):
            out_1HNK, log_sums = _forward(*qkv_3HNK[:, None], 0.0, True, scale=scale)
            out_HNK.copy_(out_1HNK[0])
            ctx.log_sums.append(log_sums)
        ctx.save_for_backward(qkv_T3HK, out_THK)
        return out_THK

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        qkv_T3HK, out_THK = ctx.saved_tensors
        found_T3HK = torch.empty_like(qkv_T3HK)
        parts = _documents(ctx.lengths, gradients[0], qkv_T3HK, out_THK, found_T3HK)
        for log_sums, (gradient_HNK, qkv_3HNK, out_HNK, found_3HNK) in zip(ctx.log_sums, parts, strict=True):
            given = (gradient_HNK[None], *qkv_3HNK[:, None], out_HNK[None], log_sums, 0.0, True)
            for place_HNK, part_1HNK in zip(found_3HNK, _backward(*given, scale=ctx.scale), strict=True):
                place_HNK.copy_(part_1HNK[0])
        return found_T3HK, None, None


class _Naive(torch.autograd.Function):  # type: ignore[misc]
    """softmax(q k^T) v with all its weights kept, and the derivative written out."""

    @staticmethod
    def forward(ctx: Any, qkv_T3HK: torch.Tensor, lengths: Sequence[int], scale: float) -> torch.Tensor:
        out_THK = _empty_out(qkv_T3HK)
        longest = max(lengths)
        mask_LL = torch.full((longest, longest), float("-inf"), dtype=qkv_T3HK.dtype).triu(1)
        weights = []
        for (q_HNK, k_HNK, v_HNK), out_HNK in _documents(lengths, qkv_T3HK, out_THK):
            length = q_HNK.shape[1]
            scores_HNN = torch.baddbmm(mask_LL[:length, :length], q_HNK, k_HNK.transpose(1, 2), alpha=scale)
            weights.append(torch.softmax(scores_HNN, -1).to(qkv_T3HK.dtype))
            torch.bmm(weights[-1], v_HNK, out=out_HNK)
        ctx.lengths, ctx.scale = lengths, scale
        ctx.save_for_backward(qkv_T3HK, *weights)
        return out_THK

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        qkv_T3HK, *weights = ctx.saved_tensors
        found_T3HK = torch.empty_like(qkv_T3HK)
        parts = _documents(ctx.lengths, gradients[0], qkv_T3HK, found_T3HK)
        for weights_HNN, (gradient_HNK, (q_HNK, k_HNK, v_HNK), (to_q_HNK, to_k_HNK, to_v_HNK)) in zip(weights, parts, strict=True):
            torch.bmm(weights_HNN.transpose(1, 2), gradient_HNK, out=to_v_HNK)
            to_weights_HNN = torch.bmm(gradient_HNK, v_HNK.transpose(1, 2))
            to_scores_HNN = torch._softmax_backward_data(to_weights_HNN, weights_HNN, -1, weights_HNN.dtype).mul_(ctx.scale)
            torch.bmm(to_scores_HNN, k_HNK, out=to_q_HNK)
            torch.bmm(to_scores_HNN.transpose(1, 2), q_HNK, out=to_k_HNK)
        return found_T3HK, None, None


def _empty_out(qkv_T3HK: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(qkv_T3HK[:, 0], memory_format=torch.contiguous_format)


def _documents(lengths: Sequence[int], *tensors: torch.Tensor) -> Iterator[tuple[torch.Tensor, ...]]:
    """Each document's part of every tensor, in place: [T, ..., H, K] as [..., H, N, K]."""
    start = 0
    for length in lengths:
        yield tuple(tensor[start : start + length].movedim(0, -2) for tensor in tensors)
        start += length
