"""Small shapes of all families."""

import pytest

from ryot.stages.train.stage import ModelShape
from tests.stages.train.conftest import SHAPES


@pytest.fixture(params=["gpt", "llama", "hybrid"])
def shape(request: pytest.FixtureRequest) -> ModelShape:
    """A small model of each family, without dropout."""
    return SHAPES[request.param]
