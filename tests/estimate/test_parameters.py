"""Parameter counts against published figures, and against transformers for random shapes."""

import random

import pytest

from ryot.estimate.parameters import count_parameters
from ryot.spec.model import Model


def model(**fields: object) -> Model:
    return Model.model_validate(fields)


@pytest.mark.parametrize(("tied", "total"), [(True, 9_526_272), (False, 10_574_848)])
def test_scaled_model_has_the_parameters_that_were_served(tied: bool, total: int) -> None:
    found = count_parameters(model(preset="ryot-scaled", tied=tied))
    assert found.total == total
    assert found.total - found.trainable == 128 * 512  # the position table is frozen


def test_gpt2_small_has_its_124_million() -> None:
    gpt2 = model(family="gpt", vocab_size=50257, hidden_size=768, layers=12, heads=12, ffn_size=3072, context=1024)
    assert count_parameters(gpt2).total == 124_439_808


def test_llama_2_7b_and_3_8b_have_their_published_counts() -> None:
    llama2 = model(
        family="llama", vocab_size=32000, hidden_size=4096, layers=32, heads=32, ffn_size=11008, context=4096, tied=False
    )  # fmt: skip
    llama3 = model(
        family="llama", vocab_size=128256, hidden_size=4096, layers=32, heads=32, kv_heads=8, ffn_size=14336, context=8192, tied=False
    )  # fmt: skip
    assert count_parameters(llama2).total == 6_738_415_616
    assert count_parameters(llama3).total == 8_030_261_248


def shapes(n: int) -> list[Model]:
    draw = random.Random(11)
    return [_shape(draw, family) for family in ("gpt", "llama") for _ in range(n)]


def _shape(draw: random.Random, family: str) -> Model:
    heads, size = draw.choice([1, 2, 4, 6, 8]), 2 * draw.randint(4, 16)
    kv_heads = draw.choice([h for h in range(1, heads + 1) if heads % h == 0]) if family == "llama" else None
    return model(
        family=family, vocab_size=draw.randint(260, 900), hidden_size=heads * size, layers=draw.randint(1, 4), heads=heads,
        kv_heads=kv_heads, ffn_size=draw.randint(8, 200), context=draw.randint(8, 96), tied=draw.random() < 0.5,
    )  # fmt: skip


@pytest.mark.heavy
def test_counts_are_those_of_transformers() -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    for shape in shapes(12):
        with torch.device("meta"):
            if shape.family == "gpt":
                built = transformers.GPT2LMHeadModel(
                    transformers.GPT2Config(
                        vocab_size=shape.vocab_size, n_positions=shape.context, n_embd=shape.hidden_size, n_layer=shape.layers,
                        n_head=shape.heads, n_inner=shape.ffn_size, tie_word_embeddings=shape.tied,
                    )
                )  # fmt: skip
                built.transformer.wpe.weight.requires_grad_(False)
            else:
                built = transformers.LlamaForCausalLM(
                    transformers.LlamaConfig(
                        vocab_size=shape.vocab_size, hidden_size=shape.hidden_size, num_hidden_layers=shape.layers,
                        num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads, intermediate_size=shape.ffn_size,
                        max_position_embeddings=shape.context, tie_word_embeddings=shape.tied,
                    )
                )  # fmt: skip
        built.tie_weights()
        found = count_parameters(shape)
        assert found.total == sum(p.numel() for p in built.parameters()), shape
        assert found.trainable == sum(p.numel() for p in built.parameters() if p.requires_grad), shape
