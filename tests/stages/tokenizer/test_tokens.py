"""The folder of tokens as training reads it: pieces in the order, over all shards."""

from pathlib import Path

import numpy as np
import pytest

from ryot.plugins import Document, Shard, write_index, write_shard
from ryot.plugins.testing import StageResult, run_stage
from ryot.stages.tokenizer.stage import MIXED, Config, TokenizerStage
from ryot.stages.tokenizer.tokens import Tokens

WORDS = [f"{'ab' * number}" for number in range(1, 40)]


def run(folder: Path, config: Config, sources: int = 2) -> StageResult:
    """Three shards of training documents, of as many sources as asked, and one held out; one token a byte and the end."""
    groups = [("train", 0, WORDS[:10]), ("train", 0, WORDS[10:20]), ("train", sources - 1, WORDS[20:30]), ("heldout", 0, WORDS[30:])]
    shards = [
        write_shard(folder / "documents", Shard(f"{split}-{source:02d}-{place:05d}", split, source), map(Document.of, texts))
        for place, (split, source, texts) in enumerate(groups)
    ]
    write_index(folder / "documents", shards, {})
    measures = TokenizerStage.measures + (MIXED if config.weights else ())
    inputs = {"documents": folder / "documents"}
    return run_stage(TokenizerStage(), config, folder / "tokens", inputs=inputs, measures=measures)


def texts(tokens: Tokens, end: int) -> list[str]:
    """The documents of one token a byte, pieces joined."""
    whole = np.concatenate([tokens[index] for index in range(len(tokens))])
    return [bytes_of(part) for part in np.split(whole, np.flatnonzero(whole == end) + 1)[:-1]]


def bytes_of(ids: np.ndarray) -> str:
    first, second = int(ids[0]), int(ids[1]) if len(ids) > 2 else -1
    return "".join({first: "a", second: "b"}[int(token)] for token in ids[:-1])


@pytest.mark.parametrize("long", ["split", "cut"])
def test_every_document_is_there_once_in_the_order(tmp_path: Path, long: str) -> None:
    result = run(tmp_path, Config(vocab_size=258, context=16, long=long, min_frequency=10**6))
    tokens = Tokens(result.out, "train")
    found = texts(tokens, 0)
    assert sorted(found) == sorted(WORDS[:30])
    assert found != WORDS[:30]


def test_a_long_document_is_in_pieces_of_the_context(tmp_path: Path) -> None:
    result = run(tmp_path, Config(vocab_size=258, context=16, min_frequency=10**6))
    tokens = Tokens(result.out, "train")
    assert tokens.lengths.max() == 16
    assert [len(tokens[index]) for index in range(len(tokens))] == tokens.lengths.tolist()
    assert len(tokens) == sum(-(-(len(word) + 1) // 16) for word in WORDS[:30])


def test_weights_repeat_the_smaller_source(tmp_path: Path) -> None:
    config = Config(vocab_size=258, context=100, weights=(0.9, 0.1), sources=("texts/", "a/b"), min_frequency=10**6)
    result = run(tmp_path, config)
    own, whole = sum(len(word) + 1 for word in WORDS[:20]), sum(len(word) + 1 for word in WORDS[:30])
    assert result.value("epochs") == pytest.approx(0.9 * whole / own)
    warnings = [str(event["text"]) for event in result.events if event["event"] == "warning"]
    assert any("repeated: texts/ 1.96 times" in text for text in warnings)
    unused = 1 - 0.1 * whole / (whole - own)
    assert any(f"left out: a/b: {unused:.1%} is not used" in text for text in warnings)
    assert abs(Tokens(result.out, "train").lengths.sum() - whole) <= 2 * 80


def test_held_out_documents_are_not_mixed(tmp_path: Path) -> None:
    result = run(tmp_path, Config(vocab_size=258, context=100, weights=(0.9, 0.1), min_frequency=10**6))
    assert sorted(texts(Tokens(result.out, "heldout"), 0)) == sorted(WORDS[30:])


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_worker_counts_give_the_same_bytes(tmp_path: Path, workers: int) -> None:
    found = [run(tmp_path / name, Config(vocab_size=300, context=16, workers=count)) for name, count in (("one", 1), ("many", workers))]
    one, many = ({path.name: path.read_bytes() for path in result.out.rglob("*") if path.is_file()} for result in found)
    assert one == many
