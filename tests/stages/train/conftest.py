"""Small shapes of all families."""

import pytest

from ryot.stages.train.stage import MambaShape, ModelShape

SHAPES = {
    "gpt": ModelShape(family="gpt", vocab_size=300, hidden_size=32, layers=2, heads=4, ffn_size=64, context=32),
    "llama": ModelShape(family="llama", vocab_size=300, hidden_size=32, layers=2, heads=4, kv_heads=2, ffn_size=48, context=32, tied=False),
    "hybrid": ModelShape(
        family="hybrid", vocab_size=300, hidden_size=32, layers=3, heads=4, kv_heads=2, ffn_size=48, context=32, attention_layers=(1,),
        mamba=MambaShape(state_size=8, head_size=16, expand=2, conv_size=4, groups=2),
    ),
}  # fmt: skip


@pytest.fixture(params=["gpt", "llama", "hybrid"])
def shape(request: pytest.FixtureRequest) -> ModelShape:
    """A small model of each family, without dropout."""
    return SHAPES[request.param]


@pytest.fixture(params=["gpt", "llama"])
def packable(request: pytest.FixtureRequest) -> ModelShape:
    """A small model of each family whose rows may hold several documents."""
    return SHAPES[request.param]
