"""The tiny twin of every preset, and of shapes that stretch it."""

from __future__ import annotations

from typing import Any

import pytest

from ryot.spec.model import Model
from ryot.spec.presets import MODELS
from ryot.spec.size import count
from ryot.spec.twin import HEAD, twin

STRETCHED = {"type": "yarn", "factor": 4, "original_context": 2048}
LLAMA = {"family": "llama", "vocab_size": 32000, "hidden_size": 4096, "layers": 32, "heads": 32, "ffn_size": 11008, "context": 4096}
CASES: dict[str, dict[str, Any]] = {name: {"preset": name} for name in MODELS} | {
    "llama": LLAMA,
    "untied": {**LLAMA, "tied": False, "dropout": 0.25},
    "one key head": {**LLAMA, "kv_heads": 1},
    "three share": {**LLAMA, "hidden_size": 576, "heads": 9, "kv_heads": 3, "ffn_size": 1536},
    "eight share": {**LLAMA, "kv_heads": 4, "ffn_size": 6 * 4096},
    "stretched": {**LLAMA, "rope_scaling": STRETCHED, "context": 8192, "rope_theta": 500000.0},
    "dialled": {"family": "hybrid", "params": "1.3B"},
    "attention only": {"preset": "hybrid-1.3b", "attention_layers": list(range(24))},
    "mamba only": {"preset": "hybrid-1.3b", "attention_layers": []},
    "grouped": {"preset": "hybrid-1.3b", "mamba": {"groups": 8, "expand": 4}},
}


def sharing(model: Model) -> int:
    return model.heads // (model.kv_heads or model.heads)


def kinds(model: Model) -> tuple[bool, bool]:
    """Whether it has layers with attention, and others."""
    return model.attention_count > 0, model.attention_count < model.layers


@pytest.mark.parametrize("case", CASES)
def test_a_twin_is_small_and_has_the_features(case: str) -> None:
    model = Model.model_validate(CASES[case])
    found = twin(model)
    counts = count(found)
    assert counts.blocks + counts.norm < 1_000_000
    assert found.hidden_size // found.heads == HEAD
    assert sharing(found) == min(sharing(model), 8)
    assert kinds(found) == kinds(model)
    kept = ("family", "vocab_size", "context", "tied", "dropout", "rope_theta", "rope_scaling")
    assert [getattr(found, name) for name in kept] == [getattr(model, name) for name in kept]
    assert found.mixer.groups > 1 or model.mixer.groups == 1
    assert Model.model_validate(found.model_dump()) == found  # sound by the spec's own rules, which a copy does not ask


def test_a_twin_of_a_twin_is_itself() -> None:
    once = twin(Model.model_validate({"preset": "hybrid-1.3b"}))
    assert twin(once) == once
