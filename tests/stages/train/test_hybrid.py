from typing import Any

import pytest

from ryot.stages.train.documents import Specials
from tests.stages.train.conftest import SHAPES

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def hybrid() -> Any:
    """A small hybrid with its first weights."""
    from ryot.stages.train import model  # noqa: PLC0415 - it imports torch

    return model.build(SHAPES["hybrid"], Specials(bos=None, eos=1, pad=2), seed=1).eval()


def test_attention_is_where_it_was_placed(hybrid: Any) -> None:
    assert [layer.mamba is None for layer in hybrid.model.layers] == [False, True, False]
    assert all(layer.shared_mlp is not None and layer.block_sparse_moe is None for layer in hybrid.model.layers)


def test_nothing_is_scaled_but_the_attention(hybrid: Any) -> None:
    config = hybrid.config
    assert config.embedding_multiplier == config.residual_multiplier == config.logits_scaling == 1
    assert config.attention_multiplier == pytest.approx((32 / 4) ** -0.5)


def test_first_weights_of_a_mixer_are_those_of_its_authors(hybrid: Any) -> None:
    import torch  # noqa: PLC0415

    for mixer in (hybrid.model.layers[0].mamba, hybrid.model.layers[2].mamba):
        decays, steps = mixer.A_log.detach().exp(), torch.nn.functional.softplus(mixer.dt_bias.detach())
        assert 1 <= decays.min() < decays.max() <= 16
        assert 1e-3 * 0.999 <= steps.min() < steps.max() <= 0.1 * 1.001
        assert mixer.D.eq(1).all()
        assert mixer.norm.weight.eq(1).all()
        assert mixer.conv1d.bias.eq(0).all()
        assert 0.3 < mixer.conv1d.weight.abs().max() <= 0.5


def test_a_state_outlives_the_convolution(hybrid: Any) -> None:
    """Why rows of several documents are refused: what comes first is felt far beyond the taps, and after the attention layer too."""
    import torch  # noqa: PLC0415

    first = torch.arange(5, 25)[None]
    second = first.clone()
    second[0, 0] = 99
    mixer = hybrid.model.layers[0].mamba
    with torch.no_grad():
        states = [mixer(hybrid.model.embed_tokens(ids)) for ids in (first, second)]
    assert (states[0] - states[1])[0, -1].abs().max() > 0
