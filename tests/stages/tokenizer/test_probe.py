"""The choice of the path: fast where it is proven, slow where it differs, cannot be or is not wanted; and the guard while it runs."""

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ryot.plugins import Documents, NodeError
from ryot.plugins.testing import write_documents
from ryot.stages.tokenizer.encoder import SlowEncoder
from ryot.stages.tokenizer.fast import fast_of
from ryot.stages.tokenizer.probe import GuardedEncoder, choose, differing, spread, vocabulary
from tests.stages.tokenizer.made import TEXTS, changed, small


def _plant(parts: dict[str, Any]) -> None:
    """`zq` and `qx` merge, `qx` first, and `zqx` is made of `zq` only: tokenizers stops at z, qx where tiktoken goes on."""
    model = parts["model"]
    for token in ("qx", "zq", "zqx"):
        model["vocab"][token] = len(model["vocab"])
    model["merges"] = [["q", "x"], ["z", "q"], ["zq", "x"], *model["merges"]]


def test_the_fast_path_is_taken_where_it_is_proven() -> None:
    chosen = choose(small(), TEXTS[:20], "uint16")
    assert isinstance(chosen.encoder, GuardedEncoder)
    assert chosen.why.startswith("fast path")


def test_merges_that_tiktoken_cannot_follow_are_found_and_the_text_named() -> None:
    tokenizer = changed(_plant)
    slow = SlowEncoder(tokenizer, "uint16")
    assert differing(fast_of(tokenizer, slow), slow, ["a zqx"]) == "a zqx"
    chosen = choose(tokenizer, TEXTS[:20], "uint16")
    assert isinstance(chosen.encoder, SlowEncoder)
    assert chosen.why == "slow path: the fast one gives other tokens for 'zqx'"
    assert chosen.encoder.encode(["zqx"])[0].tolist() == [tokenizer.token_to_id("z"), tokenizer.token_to_id("qx")]


def test_a_document_of_the_corpus_alone_can_refute_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ryot.stages.tokenizer.probe.vocabulary", lambda tokenizer: [])
    assert "'see zqx'" in choose(changed(_plant), ["see zqx"], "uint16").why


def test_a_tokenizer_with_a_normalizer_goes_the_slow_way() -> None:
    chosen = choose(changed(lambda parts: parts.update(normalizer={"type": "Lowercase"})), [], "uint16")
    assert isinstance(chosen.encoder, SlowEncoder)
    assert chosen.why == "slow path: it has a normalizer"


def test_the_fast_path_can_be_switched_off() -> None:
    assert isinstance(choose(small(), [], "uint16", fast=False).encoder, SlowEncoder)


def test_truncation_and_padding_of_a_taken_tokenizer_change_nothing() -> None:
    tokenizer = small()
    text = TEXTS[0]
    right = tokenizer.encode(text, add_special_tokens=False).ids
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=500)
    for fast in (True, False):
        assert choose(tokenizer, [], "uint16", fast=fast).encoder.encode([text, "a"])[0].tolist() == right


@pytest.mark.parametrize("batches", [[7], [1] * 7, [3, 4]])
def test_the_guard_finds_a_difference_that_the_probe_missed(batches: list[int]) -> None:
    tokenizer = changed(_plant)
    slow = SlowEncoder(tokenizer, "uint16")
    guarded = GuardedEncoder(fast_of(tokenizer, slow), slow, every=3)
    texts = iter(["a", "zqx", "zqx", "b", "c", "d", "zqx is checked"])
    *before, last = [list(islice(texts, size)) for size in batches]
    for batch in before:
        guarded.encode(batch)
    with pytest.raises(NodeError, match="zqx is checked") as caught:
        guarded.encode(last)
    assert caught.value.hint == "set data.tokenizer.fast: false"


def test_every_token_of_whole_characters_is_probed() -> None:
    said = vocabulary(small())
    assert len(said) > 500
    assert " the" in said


def test_documents_are_probed_from_the_whole_shard(tmp_path: Path) -> None:
    texts = [f"{number} {'é' * (number % 50)}" for number in range(1000)]
    numbers = [int(text.split()[0]) for text in spread(Documents(write_documents(tmp_path, train=texts)), 10)]
    assert len(numbers) == 10
    assert np.abs(np.array(numbers) - np.arange(0, 1000, 100)).max() < 10


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_shard_of_few_documents_is_probed_whole(tmp_path: Path, count: int) -> None:
    texts = [str(number) for number in range(count)]
    assert spread(Documents(write_documents(tmp_path, train=texts))) == texts
