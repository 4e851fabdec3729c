"""A world of one process, for tests that train in the test's own process, and small shapes of all families."""

import os
from collections.abc import Iterator
from typing import Any

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


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A process group of one."""
    patch = pytest.MonkeyPatch()
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}.items():
        patch.setenv(name, value)
    patch.setenv("DS_ACCELERATOR", "cpu")
    patch.setenv("GLOO_SOCKET_IFNAME", "lo")
    import torch  # noqa: PLC0415 - only the heavy tests pay for it

    from ryot.stages.train.world import join  # noqa: PLC0415

    torch.set_num_threads(min(os.cpu_count() or 1, 2))
    yield join(tmp_path_factory.mktemp("meeting") / "file", "cpu")
    torch.distributed.destroy_process_group()
    patch.undo()
