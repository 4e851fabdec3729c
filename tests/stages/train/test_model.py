from typing import Any

import pytest

from ryot.stages.train.documents import Specials
from ryot.stages.train.stage import ModelShape

pytestmark = pytest.mark.heavy
SPECIALS = Specials(bos=None, eos=1, pad=2)
SCALED = {"family": "gpt", "vocab_size": 2048, "hidden_size": 512, "layers": 4, "heads": 4, "ffn_size": 1024, "context": 128}


@pytest.fixture(scope="module")
def models() -> Any:
    """The module under test; it imports torch."""
    from ryot.stages.train import model  # noqa: PLC0415

    return model


@pytest.mark.parametrize(("tied", "count"), [(True, 9_526_272), (False, 10_574_848)])
def test_the_scaled_model_has_the_parameters_that_were_computed(models: Any, tied: bool, count: int) -> None:
    model = models.build(ModelShape.model_validate({**SCALED, "tied": tied}), SPECIALS, seed=1)
    assert models.parameter_count(model) == count
    assert models.parameter_count(model, trainable=True) == count - 128 * 512


def test_positions_are_sinusoids_and_stay(models: Any, shape: ModelShape) -> None:
    model = models.build(shape, SPECIALS, seed=1)
    if shape.family == "gpt":
        assert not model.transformer.wpe.weight.requires_grad
        assert model.transformer.wpe.weight[3, 0].item() == pytest.approx(0.14112, abs=1e-5)  # sin 3
        assert model.transformer.wpe.weight[3, 1].item() == pytest.approx(-0.98999, abs=1e-5)  # cos 3


def test_first_weights_depend_on_the_seed_alone(models: Any, shape: ModelShape) -> None:
    eager = models.build(shape, SPECIALS, seed=1, attention="eager")
    sdpa = models.build(shape, SPECIALS, seed=1)
    assert models.weights_digest(eager) == models.weights_digest(sdpa)
    assert models.weights_digest(eager) != models.weights_digest(models.build(shape, SPECIALS, seed=2))


def test_dropout_is_on_in_training_only(models: Any, shape: ModelShape) -> None:
    import torch  # noqa: PLC0415

    model = models.build(shape.model_copy(update={"dropout": 0.5}), SPECIALS, seed=1)
    ids = torch.arange(10)[None]
    with torch.no_grad():
        assert torch.equal(model.eval()(ids).logits, model(ids).logits)
        assert not torch.equal(model.train()(ids).logits, model(ids).logits)


def test_padding_on_the_right_changes_nothing_to_its_left(models: Any, shape: ModelShape) -> None:
    import torch  # noqa: PLC0415

    model = models.build(shape, SPECIALS, seed=1).eval()
    alone = torch.arange(5, 18)[None]
    padded = torch.cat([alone, torch.full((1, 15), SPECIALS.pad)], dim=1)
    with torch.no_grad():
        assert torch.allclose(model(padded).logits[:, :13], model(alone).logits, atol=1e-5)


def test_a_network_without_weights_takes_no_memory(models: Any, shape: ModelShape) -> None:
    import torch  # noqa: PLC0415

    with torch.device("meta"):
        network = models.network(shape, SPECIALS)
    assert {parameter.device.type for parameter in network.parameters()} == {"meta"}
    assert models.parameter_count(network) == models.parameter_count(models.build(shape, SPECIALS, seed=1))
