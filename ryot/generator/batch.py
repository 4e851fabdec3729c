"""Sequences that are computed together: one cache, left-padded to one length, that grows and shrinks as they come and go. Or none:
then every token is computed from its whole sequence, which is what the cache saves.

B sequences, T places of the cache, L places of a prompt, V tokens of the vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from ryot.generator.sequence import Sequence

MOST_PLACES = 4096
"""Tokens that are computed at once, of prompts or of whole sequences; a longer one goes alone."""
_STATES = ("conv_states", "recurrent_states")
"""What a Mamba layer keeps of each sequence, whatever its length."""


@dataclass(slots=True)
class Batch:
    """`mask_BT` is 1 where the cache holds a token of a sequence; `last` are the tokens that come next into the model. Where nothing is
    kept, `cache` is None and the mask has no places."""

    sequences: list[Sequence]
    cache: Any
    mask_BT: Tensor
    last: list[int]


def prefill(model: Any, sequences: list[Sequence], *, all_places: bool, cached: bool = True) -> tuple[Batch, Tensor]:
    """Take the prompts in. Returns the batch and the logits at the last place (B, 1, V), or at all of them (B, L, V)."""
    cache = DynamicCache(config=model.config) if cached else None
    logits, mask_BL = _whole(model, [sequence.prompt for sequence in sequences], cache, keep=0 if all_places else 1)
    return Batch(sequences, cache, mask_BL if cached else mask_BL[:, :0], []), logits


def step(model: Any, batch: Batch) -> Tensor:
    """Take in the last token of each sequence, or, where nothing is kept, all of it. Returns the logits for the next (B, V)."""
    if batch.cache is None:
        return _anew(model, [sequence.prompt + sequence.made for sequence in batch.sequences])
    device = batch.mask_BT.device
    batch.mask_BT = torch.cat([batch.mask_BT, torch.ones(len(batch.last), 1, dtype=torch.long, device=device)], 1)
    positions_B1 = batch.mask_BT.sum(-1, keepdim=True) - 1
    return _forward(model, torch.tensor(batch.last, device=device)[:, None], batch.mask_BT, positions_B1, batch.cache, keep=1)[:, -1]


def _anew(model: Any, texts: list[list[int]]) -> Tensor:
    """The logits after each text (B, V)."""
    each = max(MOST_PLACES // max(map(len, texts)), 1)
    parts = [texts[first : first + each] for first in range(0, len(texts), each)]
    return torch.cat([_whole(model, part, None, keep=1)[0][:, -1] for part in parts])


def _whole(model: Any, texts: list[list[int]], cache: Any, *, keep: int) -> tuple[Tensor, Tensor]:
    """Texts from their first token on, padded on the left. Returns the logits at the last `keep` places, or at all of them (0), and the
    mask (B, L)."""
    longest = max(map(len, texts))
    gaps = [longest - len(text) for text in texts]
    ids_BL = torch.tensor([[0] * gap + text for gap, text in zip(gaps, texts, strict=True)], device=model.device)
    mask_BL = (torch.arange(longest)[None] >= torch.tensor(gaps)[:, None]).long().to(model.device)
    positions_BL = (mask_BL.cumsum(-1) - 1).clamp(min=0)
    return _forward(model, ids_BL, mask_BL, positions_BL, cache, keep=keep), mask_BL


def _forward(model: Any, ids: Tensor, mask: Tensor, positions: Tensor, cache: Any, *, keep: int) -> Tensor:
    uses = cache is not None
    found = model(input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=uses, logits_to_keep=keep)
    logits: Tensor = found.logits
    return logits


def merge(one: Batch, other: Batch) -> Batch:
    """Both together; the shorter cache is padded on the left."""
    longest = max(one.mask_BT.shape[1], other.mask_BT.shape[1])
    for layer, more in zip(_layers(one), _layers(other), strict=True):
        if _holds_keys(layer):
            layer.keys = torch.cat([_padded(layer.keys, longest), _padded(more.keys, longest)])
            layer.values = torch.cat([_padded(layer.values, longest), _padded(more.values, longest)])
        for name in _STATES:
            _merge_states(layer, more, name)
    masks = [torch.nn.functional.pad(batch.mask_BT, (longest - batch.mask_BT.shape[1], 0)) for batch in (one, other)]
    return Batch(one.sequences + other.sequences, one.cache, torch.cat(masks), one.last + other.last)


def keep(batch: Batch, rows: list[int]) -> None:
    """Drop all sequences but those at `rows`, and the places that none of these uses."""
    index = torch.tensor(rows, device=batch.mask_BT.device)
    if batch.cache is not None:
        batch.cache.reorder_cache(index)
    batch.mask_BT = batch.mask_BT[index]
    batch.sequences = [batch.sequences[row] for row in rows]
    batch.last = [batch.last[row] for row in rows]
    unused = int(batch.mask_BT.argmax(-1).min()) if batch.cache is not None else 0
    if unused:
        batch.mask_BT = batch.mask_BT[:, unused:]
        for layer in filter(_holds_keys, _layers(batch)):
            layer.keys, layer.values = layer.keys[:, :, unused:], layer.values[:, :, unused:]


def weigh(batch: Batch) -> tuple[int, int]:
    """Bytes of the cache for one token, and of the state for one sequence; 0 where nothing is kept."""
    keys = [part for layer in _layers(batch) if _holds_keys(layer) for part in (layer.keys, layer.values)]
    states = [state for layer in _layers(batch) for name in _STATES for state in _states(layer, name)]
    places = max(batch.mask_BT.numel(), 1)
    return sum(part.nbytes for part in keys) // places, sum(state.nbytes for state in states) // len(batch.sequences)


def _layers(batch: Batch) -> list[Any]:
    return [] if batch.cache is None else list(batch.cache.layers)


def _holds_keys(layer: Any) -> bool:
    return isinstance(getattr(layer, "keys", None), Tensor)


def _padded(part: Tensor, longest: int) -> Tensor:
    """(B, heads, T, size), with T filled up on the left."""
    return torch.nn.functional.pad(part, (0, 0, longest - part.shape[2], 0))


def _states(layer: Any, name: str) -> list[Tensor]:
    return [state for state in getattr(layer, name, {}).values() if state is not None]


def _merge_states(layer: Any, more: Any, name: str) -> None:
    mine = getattr(layer, name, {})
    for number, state in mine.items():
        if state is not None:
            mine[number] = torch.cat([state, getattr(more, name)[number]])
