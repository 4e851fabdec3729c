"""Attention for packed rows. The row of a forward pass holds whole documents one after the other and no padding; all but attention works
token by token. Attention keeps the documents apart: on a CPU it takes one after the other (`ragged`), elsewhere it spreads them out,
one a row. Plain rows are attended to as ever, causally; their padding stands on the right.

Shapes: T tokens, D documents, L the longest, H heads, G heads of keys and values, K head size; a slot is a place in [D, L].
"""

import sys
from collections.abc import Callable
from typing import Any

import torch
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.models.gpt2.modeling_gpt2 import GPT2Attention

from ryot.stages.train.ragged import attend

UNPADDED = {"sdpa": "ryot_unpadded_sdpa", "eager": "ryot_unpadded_eager"}
"""What transformers calls each attention where the rows are packed. It makes no mask for names it does not know."""


def documents(segments_RL: torch.Tensor, positions_RL: torch.Tensor) -> dict[str, Any]:
    """Where the documents of one packed row [1, T] stand; arguments for the model's forward pass, which hands them on."""
    lengths = torch.bincount(segments_RL[0])[1:].tolist()
    longest = max(lengths)
    return {"lengths": lengths, "slots_T": (segments_RL[0] - 1) * longest + positions_RL[0]}


def _fused(module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: None, **given: Any) -> Any:
    if "lengths" not in given:
        return sdpa_attention_forward(module, query, key, value, mask, scaling=given.get("scaling"))
    if query.device.type == "cpu":
        return _one_by_one(query, key, value, "sdpa", given)
    return _spread_out(query, key, value, given, lambda *rows: sdpa_attention_forward(module, *rows, None, scaling=given.get("scaling"))[0])


def _naive(module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: None, **given: Any) -> Any:
    """On a GPU and for plain rows with the family's own naive attention, which stands beside the attention module's class."""
    del mask
    own = sys.modules[type(module).__module__].eager_attention_forward

    def causal(*rows: torch.Tensor) -> torch.Tensor:
        length = rows[0].shape[2]
        mask_LL = torch.full((length, length), torch.finfo(query.dtype).min, dtype=query.dtype, device=query.device).triu(1)
        out_DLHK: torch.Tensor = own(module, *rows, mask_LL[None, None], scaling=given.get("scaling"))[0]
        return out_DLHK

    if "lengths" not in given:
        return causal(query, key, value), None
    if query.device.type == "cpu":
        return _one_by_one(query, key, value, "eager", given)
    return _spread_out(query, key, value, given, causal)


def _one_by_one(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, how: str, given: dict[str, Any]) -> Any:
    groups = query.shape[1] // key.shape[1]
    repeated = (x_1GTK if groups == 1 else x_1GTK.repeat_interleave(groups, 1) for x_1GTK in (key, value))
    qkv_T3HK = torch.stack([x_1HTK.squeeze(0).transpose(0, 1) for x_1HTK in (query, *repeated)], 1)
    return _attend(qkv_T3HK, given["lengths"], how, given.get("scaling") or query.shape[-1] ** -0.5).unsqueeze(0), None


# A loop over documents whose lengths are new in every row would be compiled anew each time.
_attend = torch.compiler.disable(attend)


def keep_projections_together(model: PreTrainedModel) -> None:
    """Let GPT-2's attention, where the rows are packed and on a CPU, take queries, keys and values as the one tensor they are made as."""
    for module in model.modules():
        if isinstance(module, GPT2Attention):
            module.forward = _together(module)


def _together(module: GPT2Attention) -> Callable[..., Any]:
    plain = module.forward

    def forward(hidden_states: torch.Tensor, *others: Any, **given: Any) -> Any:
        if "lengths" not in given or hidden_states.device.type != "cpu":
            return plain(hidden_states, *others, **given)
        qkv_T3HK = module.c_attn(hidden_states).view(-1, 3, module.num_heads, module.head_dim)
        how = next(name for name, unpadded in UNPADDED.items() if unpadded == module.config._attn_implementation)
        out_THK = _attend(qkv_T3HK, given["lengths"], how, module.scaling)
        return module.resid_dropout(module.c_proj(out_THK.view(hidden_states.shape))), None

    return forward


def _spread_out(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, given: dict[str, Any], attention: Callable[..., torch.Tensor]
) -> Any:
    """`attention` over the documents as rows [D, H, L, K] that are zero where a document has ended; back as [1, T, H, K]."""
    count, longest = len(given["lengths"]), max(given["lengths"])
    rows = []
    for x_1HTK in (query, key, value):
        x_THK = x_1HTK.squeeze(0).transpose(0, 1)
        empty = x_THK.new_zeros(count * longest, *x_THK.shape[1:])
        rows.append(empty.index_copy(0, given["slots_T"], x_THK).view(count, longest, *x_THK.shape[1:]).transpose(1, 2))
    out_DLHK = attention(*rows)
    return out_DLHK.flatten(0, 1).index_select(0, given["slots_T"]).unsqueeze(0), None


AttentionInterface.register(UNPADDED["sdpa"], _fused)
AttentionInterface.register(UNPADDED["eager"], _naive)
