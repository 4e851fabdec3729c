"""Bytes of a served model by hand; vLLM's own report is in tests/stages/serve/test_hybrid.py."""

import pytest

from ryot.estimate.estimates import estimate
from ryot.estimate.parameters import hidden_matrices
from ryot.estimate.processor import Here
from ryot.estimate.serving_memory import (
    block_tokens,
    bytes_read,
    kv_bytes_per_token,
    max_concurrency,
    saved_bytes,
    state_bytes_per_sequence,
    weights_bytes,
)
from ryot.spec import Spec
from ryot.spec.model import Model

SEVEN = Model(family="llama", vocab_size=32000, hidden_size=4096, layers=32, heads=32, ffn_size=11008, context=4096)


def preset(name, **fields):
    return Model.model_validate({"preset": name, **fields})


def test_a_7b_llama_keeps_half_a_mebibyte_a_token():
    assert kv_bytes_per_token(SEVEN, "fp16") == 512 << 10
    assert kv_bytes_per_token(SEVEN, "fp32") == 1 << 20


def test_grouped_queries_and_fewer_attention_layers_keep_less():
    assert kv_bytes_per_token(preset("llama-small"), "fp32") == 2 * 4 * 128 * 4
    assert kv_bytes_per_token(preset("hybrid-1.3b"), "bf16") == 2 * 9 * 512 * 2


@pytest.mark.parametrize(("dtype", "size"), [("fp32", 4000), ("bf16", 2000), ("fp16", 2000), ("int8", 1000), ("int4", 500)])
def test_weights_by_type(dtype, size):
    assert weights_bytes(1000, dtype) == size


def test_alen_medium_is_356_and_178_mb():
    assert weights_bytes(89_000_000, "fp32") == 356_000_000
    assert weights_bytes(89_000_000, "fp16") == 178_000_000


def test_an_untied_embedding_is_not_read_whole():
    assert bytes_read(1000, 100, "fp32", tied=False) == 3600
    assert bytes_read(1000, 100, "fp32", tied=True) == 4000


def test_a_mamba_state_does_not_grow_and_others_have_none():
    layer = (3 * (4096 + 2 * 128) + 4096 * 128) * 2
    assert state_bytes_per_sequence(preset("hybrid-1.3b"), "bf16") == 15 * layer
    assert state_bytes_per_sequence(SEVEN, "bf16") == 0


def test_blocks_of_a_hybrid_hold_a_state():
    model = preset("hybrid-1.3b")
    block = block_tokens(model, "bf16", "cuda")
    assert block % 16 == 0
    assert (block - 16) * 2048 < (3 * (4096 + 256) + 4096 * 128) * 2 <= block * 2048
    assert block_tokens(SEVEN, "bf16", "cuda") == 16


def test_concurrency_counts_whole_blocks():
    assert max_concurrency(SEVEN, 4 << 30, "fp16", "cuda").sequences == 2
    assert max_concurrency(SEVEN, 4 << 30, "fp16", "cuda", context=17).sequences == 256
    assert max_concurrency(SEVEN, 4 << 30, "fp16", "cuda", context=17).bytes_per_sequence == 32 * 512 << 10


def test_a_hybrid_of_the_same_shape_holds_as_many_as_vllm_reported():
    """64 MiB, fp32, contexts of 300 on a CPU: vLLM 0.32 logged 341.33x for the llama, and for the hybrid 409.60x without prefix caching
    and 227.56x with it."""
    shapes = [preset(name, context=300, heads=2, kv_heads=1) for name in ("llama-tiny", "hybrid-tiny")]
    found = [max_concurrency(shape, 64 << 20, "fp32", "cpu").sequences for shape in shapes]
    assert found == [pytest.approx(341.33, abs=0.005), pytest.approx(409.6, abs=0.005)]


def test_too_small_a_reserve_holds_less_than_one():
    assert max_concurrency(SEVEN, 1 << 30, "fp16", "cuda").sequences == 0.5


def test_a_copy_in_fewer_bits_saves_the_matrices_bytes():
    assert [saved_bytes(1000, "fp32", scheme) for scheme in (None, "int8", "fp8", "int4")] == [0, 3000, 3000, 3500]
    assert saved_bytes(1000, "bf16", "int8") == 1000


def test_the_copy_that_is_served_is_what_is_reckoned_and_its_floor_is_lower():
    plain, copy = (_serving({"weights": weights} if weights else {}) for weights in (None, "int8"))
    matrices = hidden_matrices(SMALL.model)
    assert (plain.stored, copy.stored, copy.dtype) == ("fp32", "int8", "fp32")
    assert plain.weights - copy.weights == 3 * matrices
    assert copy.floors["one"].latency_s < plain.floors["one"].latency_s


def _serving(serve):
    written = {**SMALL_SPEC, "compress": {"int8": {}}, "serve": serve, "bench": {"scenarios": {"one": {"prompt_tokens": 64}}}}
    found = estimate(Spec.model_validate(written), Here("cpu:any x2", 2, 24 << 30, frozenset({"fma"}), 2500.0)).serving
    assert found is not None
    return found


SMALL_SPEC = {
    "version": 1,
    "name": "small",
    "model": {"preset": "ryot-scaled"},
    "data": {"sources": [{"generate": {}}]},
    "train": {"steps": 10},
    "export": {},
}
SMALL = Spec.model_validate(SMALL_SPEC)
