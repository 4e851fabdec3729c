"""Rotary positions as transformers 5 is told of them, in words that vLLM 0.32 reads alike. Light."""

from typing import Any

from ryot.stages.train.stage import ModelShape

_NAMES = ("beta_fast", "beta_slow", "attention_factor")


def rope_parameters(shape: ModelShape) -> dict[str, Any]:
    """`rope_parameters` of a config. Factors are floats: a whole number ends vLLM, which asks whether a linear one is a float."""
    scaling = shape.rope_scaling
    if scaling is None:
        return {"rope_type": "default", "rope_theta": shape.rope_theta}
    found: dict[str, Any] = {"rope_type": scaling.type, "rope_theta": shape.rope_theta, "factor": float(scaling.factor)}
    if scaling.type == "linear":
        return found
    found["original_max_position_embeddings"] = scaling.original_context
    if scaling.type == "llama3":
        return found | {"low_freq_factor": scaling.low_freq_factor or 1.0, "high_freq_factor": scaling.high_freq_factor or 4.0}
    return found | {name: value for name in _NAMES if (value := getattr(scaling, name)) is not None}
