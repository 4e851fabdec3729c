"""Stretched rotary positions: the cosines and sines of transformers and of vLLM, both held against the papers' formulas by hand."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import pytest

from ryot.spec.model import Model
from ryot.stages.train.rope import rope_parameters
from ryot.stages.train.stage import ModelShape

pytestmark = pytest.mark.heavy
CONTEXT, SIZE, THETA = 256, 32, 10000.0
SCALINGS: dict[str, dict[str, Any]] = {
    "linear": {"type": "linear", "factor": 4},
    "yarn": {"type": "yarn", "factor": 4, "original_context": 64},
    "yarn-set": {"type": "yarn", "factor": 3, "original_context": 128, "beta_fast": 16, "beta_slow": 2, "attention_factor": 1.25},
    "llama3": {"type": "llama3", "factor": 8, "original_context": 64},
    "llama3-set": {"type": "llama3", "factor": 8, "original_context": 64, "low_freq_factor": 2, "high_freq_factor": 6},
}
VLLM = """
import json, sys, torch
from vllm.config import VllmConfig, set_current_vllm_config
from vllm.model_executor.layers.rotary_embedding import get_rope
orders, found = json.loads(sys.argv[1]), {}
with set_current_vllm_config(VllmConfig()):
    for name, (context, size, parameters) in orders.items():
        rope = get_rope(size, context, rope_parameters=parameters, dtype=torch.float32)
        found[name] = rope._compute_cos_sin_cache()[:context].tolist()
print("\\n" + json.dumps(found))
"""
DYNAMIC = {"rope_type": "dynamic", "rope_theta": THETA, "factor": 4.0}


def shape_of(family: str, scaling: dict[str, Any] | None) -> ModelShape:
    spec = Model.model_validate({"preset": f"{family}-tiny", "context": CONTEXT, "rope_scaling": scaling})
    return ModelShape.model_validate(spec.shape())


def of_transformers(shape: ModelShape) -> Any:
    """Cosines, then sines, of each position in the network that is trained, [CONTEXT, SIZE]."""
    import torch  # noqa: PLC0415 - only the heavy tests pay for it

    from ryot.stages.train.documents import Specials  # noqa: PLC0415
    from ryot.stages.train.model import network  # noqa: PLC0415

    rotary = network(shape, Specials(bos=None, eos=1, pad=2)).eval().model.rotary_emb
    cos_1PS, sin_1PS = rotary(torch.zeros(1, 1, shape.hidden_size), torch.arange(CONTEXT)[None])
    return torch.cat((cos_1PS[0, :, : SIZE // 2], sin_1PS[0, :, : SIZE // 2]), dim=-1)


def by_hand(scaling: dict[str, Any]) -> list[list[float]]:
    """The same by the formulas: an angle is position x frequency, a frequency theta^(-2i/size) times what the type makes of it."""
    plain = [THETA ** (-2 * index / SIZE) for index in range(SIZE // 2)]
    scaled = [frequency * _stretch(scaling, index, frequency) for index, frequency in enumerate(plain)]
    sharp = scaling.get("attention_factor", 0.1 * math.log(scaling["factor"]) + 1) if scaling["type"] == "yarn" else 1.0
    return [
        [sharp * math.cos(place * frequency) for frequency in scaled] + [sharp * math.sin(place * frequency) for frequency in scaled]
        for place in range(CONTEXT)
    ]


def _stretch(scaling: dict[str, Any], index: int, frequency: float) -> float:
    """Between 1 (a frequency is kept) and 1 / factor (it is divided)."""
    factor, original = scaling["factor"], scaling.get("original_context", 0)
    if scaling["type"] == "linear":  # Chen et al. 2023, equation 4
        return 1 / factor
    if scaling["type"] == "llama3":  # `apply_scaling` in Meta's llama-models, Llama 3.1
        low, high, turns = scaling.get("low_freq_factor", 1), scaling.get("high_freq_factor", 4), original * frequency / (2 * math.pi)
        smooth = min(max((turns - low) / (high - low), 0), 1)
        return (1 - smooth) / factor + smooth
    # Peng et al. 2023, definition 2, with the ramp over channels and its whole ends as in their code
    ends = [
        SIZE * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(THETA))
        for turns in (scaling.get("beta_fast", 32), scaling.get("beta_slow", 1))
    ]
    first, last = max(math.floor(ends[0]), 0), min(math.ceil(ends[1]), SIZE - 1)
    ramp = min(max((index - first) / (last - first), 0), 1)
    return ramp / factor + 1 - ramp


@pytest.fixture(scope="module")
def of_vllm() -> dict[str, list[list[float]]]:
    """The same of vLLM, which is asked once, in a process of its own: its import takes half a minute."""
    orders: dict[str, Any] = {name: [CONTEXT, SIZE, rope_parameters(shape_of("llama", scaling))] for name, scaling in SCALINGS.items()}
    asked = json.dumps(orders | {"dynamic": [CONTEXT // 4, SIZE, DYNAMIC]})
    done = subprocess.run([sys.executable, "-c", VLLM, asked], capture_output=True, text=True, check=True)
    found: dict[str, list[list[float]]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("family", ["llama", "hybrid"])
@pytest.mark.parametrize("name", SCALINGS)
def test_the_trained_network_turns_by_the_formula(family: str, name: str) -> None:
    found = of_transformers(shape_of(family, SCALINGS[name]))
    plain = of_transformers(shape_of(family, None))
    assert found.tolist() == [pytest.approx(row, abs=2e-4) for row in by_hand(SCALINGS[name])]  # fp32 angles of up to 255
    assert (found - plain).abs().max() > 0.5


@pytest.mark.parametrize("name", SCALINGS)
def test_vllm_turns_as_the_trained_network_does(name: str, of_vllm: dict[str, list[list[float]]]) -> None:
    ours = of_transformers(shape_of("llama", SCALINGS[name])).tolist()
    assert of_vllm[name] == [pytest.approx(row, abs=1e-6) for row in ours]


def test_vllm_does_not_turn_as_transformers_where_the_spec_refuses_it(of_vllm: dict[str, list[list[float]]]) -> None:
    """`dynamic`: vLLM's frequencies are the plain ones whatever the length, those of transformers are not."""
    import torch  # noqa: PLC0415
    from transformers import LlamaConfig  # noqa: PLC0415
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding  # noqa: PLC0415

    config = LlamaConfig(hidden_size=64, num_attention_heads=2, max_position_embeddings=CONTEXT // 4, rope_parameters=dict(DYNAMIC))
    cos_1PS, _ = LlamaRotaryEmbedding(config)(torch.zeros(1, 1, 64), torch.arange(CONTEXT)[None])
    served = torch.tensor(of_vllm["dynamic"])[:, : SIZE // 2]
    assert (served - cos_1PS[0, : CONTEXT // 4, : SIZE // 2]).abs().max() > 0.1
