"""The tiny twin of a model: the same family and features, so that whatever breaks breaks in it too, at a size that trains in seconds. Pure.

Kept: family, vocabulary (the tokenizer is shared), context, tying, dropout, rotary positions with their stretching, how many heads share
keys and values (up to SHARED), the feed-forward's width over the model's (up to FFN), and both kinds of a hybrid's layers.
"""

from ryot.spec.mamba import Mamba
from ryot.spec.model import Model

HEAD = 32
"""Channels of a head: the fewest that vLLM's attention for CPUs has a kernel for."""
SHARED = 8
"""The most heads that share keys and values in a twin: more would make it wide."""
FFN = 4.0
"""The widest feed-forward network, over the model's width; where more than four heads share, it is no wider than the model."""
STATE = 16
"""The largest state of a Mamba mixer."""
EXPAND = 2
"""The largest inner width of one, over the model's."""


def twin(model: Model) -> Model:
    """A model of the same features with fewer than a million parameters beside its embedding, its head and gpt's table of positions."""
    shared = min(model.heads // (model.kv_heads or model.heads), SHARED)
    heads = max(shared, 2)
    width = heads * HEAD
    within = FFN if heads <= 4 else 1.0
    ffn_size = max(round(min(model.ffn_size / model.hidden_size, within) * width / 8), 1) * 8
    layers, placed = _layers(model)
    return model.model_copy(
        update={
            "preset": None,
            "params": None,
            "hidden_size": width,
            "layers": layers,
            "heads": heads,
            "kv_heads": None if model.kv_heads is None else heads // shared,
            "ffn_size": ffn_size,
            "attention_layers": placed,
            "mamba": _mamba(model.mixer, width) if model.family == "hybrid" else None,
        }
    )


def _layers(model: Model) -> tuple[int, tuple[int, ...] | None]:
    """Two layers; three of a hybrid that has both kinds, the middle one with attention."""
    if model.attention_layers is None:
        return 2, None
    if not model.attention_layers:
        return 2, ()
    return (2, (0, 1)) if model.attention_count == model.layers else (3, (1,))


def _mamba(mixer: Mamba, width: int) -> Mamba:
    """Narrow mixers; as many groups as before where they divide the heads."""
    expand = min(mixer.expand, EXPAND)
    heads = expand * width // HEAD
    groups = next(count for count in range(min(mixer.groups, heads), 0, -1) if heads % count == 0)
    size = min(mixer.state_size, STATE)
    return mixer.model_copy(update={"state_size": size, "head_size": HEAD, "expand": expand, "groups": groups})
