"""The order of training: every document once, or each source by its share of the tokens, from the first document to the last."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ryot.plugins import NodeError
from ryot.stages.tokenizer.mixing import Mixture, Pool, _mix, mixed, shuffled
from ryot.stages.tokenizer.work import in_pieces

IDS = np.random.default_rng(0).integers(0, 1 << 63, 500).astype(np.uint64)


def pool(*counts: int, longest: int = 100, seed: int = 0) -> Pool:
    """`counts` documents of each source, of 1 to `longest` tokens."""
    random = np.random.default_rng(seed)
    sources = np.repeat(np.arange(len(counts)), counts)
    return Pool(sources, random.integers(1, longest + 1, len(sources)), random.integers(0, 1 << 63, len(sources)).astype(np.uint64))


def test_without_weights_every_document_comes_once() -> None:
    assert sorted(shuffled(IDS, 42)) == list(range(500))


def test_the_order_depends_on_seed_and_epoch() -> None:
    orders = [shuffled(IDS, 42), shuffled(IDS, 43), shuffled(IDS, 42, epoch=1)]
    assert len({order.tobytes() for order in orders}) == 3


def test_the_hash_is_splitmix64() -> None:
    """The first two numbers of the published generator from seed 0, as Java's SplittableRandom(0) gives them."""
    gamma = 0x9E3779B97F4A7C15
    found = _mix(np.array([gamma, 2 * gamma % 2**64], np.uint64))
    assert [hex(number) for number in found] == ["0xe220a8397b1dcdaf", "0x6e789e6aa1b965f4"]


def test_the_order_is_the_same_on_every_machine() -> None:
    assert shuffled(np.arange(8, dtype=np.uint64), 42).tolist() == [6, 3, 7, 0, 1, 2, 4, 5]


def test_a_dropped_document_does_not_reshuffle_the_others() -> None:
    kept = np.delete(IDS, 7)
    before = [IDS[place] for place in shuffled(IDS, 42) if place != 7]
    assert [kept[place] for place in shuffled(kept, 42)] == before


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(20, 120), min_size=2, max_size=4), st.integers(0, 10_000), st.integers(1, 5))
def test_every_beginning_has_each_sources_share_of_the_tokens(counts: list[int], seed: int, sharpness: int) -> None:
    found = pool(*counts, seed=seed)
    raw = np.array([1.0 + place * sharpness for place in range(len(counts))])
    weights = (raw / raw.sum()).tolist()
    order, _ = mixed(found, Mixture(weights), seed)
    tokens, sources = found.tokens[order], found.sources[order]
    whole = tokens.sum()
    for source in range(len(counts)):
        mine = np.cumsum(np.where(sources == source, tokens, 0))
        assert np.abs(mine - mine[-1] / whole * np.cumsum(tokens)).max() <= len(counts) * 100  # a document of each source
        assert abs(mine[-1] - weights[source] * int(found.tokens.sum())) <= 100


def test_a_source_that_repeats_gives_each_document_equally_often_but_for_one() -> None:
    found = pool(10, 200)
    order, epochs = mixed(found, Mixture([0.5, 0.5]), 1)
    times = np.bincount(order[found.sources[order] == 0], minlength=10)
    assert epochs[0] > 5
    assert times.max() - times.min() <= 1


def test_epochs_take_a_new_order_each() -> None:
    order, _ = mixed(pool(6, 6, longest=1), Mixture([0.5, 0.5], tokens=24), 3)
    mine = [number for number in order if number < 6]
    assert sorted(mine[:6]) == sorted(mine[6:])
    assert mine[:6] != mine[6:]


def test_the_tokens_asked_for_are_taken() -> None:
    found = pool(100, 100)
    order, epochs = mixed(found, Mixture([0.75, 0.25], tokens=2000), 1)
    assert 2000 <= found.tokens[order].sum() <= 2200
    assert epochs[0] == pytest.approx(1500 / found.tokens[:100].sum())


def test_a_source_repeated_beyond_reason_is_refused() -> None:
    with pytest.raises(NodeError, match=r"source 1 has .* gone through") as caught:
        mixed(pool(1, 10), Mixture([0.99, 0.01], tokens=1_000_000), 1)
    assert "data.tokens" in str(caught.value.hint)
    with pytest.raises(NodeError, match="source 2"):
        mixed(pool(100, 10), Mixture([0.1, 0.9], max_epochs=2), 1)


def test_a_weighted_source_with_nothing_left_is_named() -> None:
    with pytest.raises(NodeError, match="generated has a weight"):
        mixed(pool(5, 0), Mixture([0.5, 0.5], names=["texts/", "generated"]), 1)


def test_pieces_of_a_document_stay_together() -> None:
    assert in_pieces(np.array([2, 0, 1]), np.array([1, 3, 2])).tolist() == [4, 5, 0, 1, 2, 3]
    assert in_pieces(np.array([1, 1]), np.array([1, 2])).tolist() == [1, 2, 1, 2]
    assert in_pieces(np.array([], np.int64), np.array([], np.int64)).tolist() == []
