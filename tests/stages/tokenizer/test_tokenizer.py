"""The node `tokenizer`: exact vocabulary, any text comes back, shards hold what the documents say, the same bytes again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from ryot.plugins import Document, Facts, Shard, Spec, write_index, write_shard
from ryot.plugins.testing import StageResult, run_stage, write_documents
from ryot.stages.data.generator.generate import generate
from ryot.stages.data.stage import GeneratorSource
from ryot.stages.tokenizer.bpe import END, PAD, train
from ryot.stages.tokenizer.stage import MIXED, Config, TokenizerStage
from ryot.stages.tokenizer.tokens import ORDER

EXAMPLES = [document.text for document in generate(GeneratorSource(examples=400), 42, lambda **_: None).documents]


def documents_in(folder: Path, train_texts: list[str], heldout_texts: list[str]) -> Path:
    return write_documents(folder, train=train_texts, heldout=heldout_texts)


def run(folder: Path, train_texts: list[str], heldout_texts: list[str], vocab_size: int = 600, context: int = 64) -> StageResult:
    documents = documents_in(folder / "documents", train_texts, heldout_texts)
    config = Config(vocab_size=vocab_size, context=context)
    return run_stage(TokenizerStage(), config, folder / "tokenizer", inputs={"documents": documents})


def shard(result: StageResult, split: str) -> tuple[np.ndarray, np.ndarray]:
    facts = json.loads((result.out / "tokens.json").read_text())
    ids = np.frombuffer((result.out / f"{split}-00-00000.bin").read_bytes(), dtype=np.dtype(facts["dtype"]).newbyteorder("<"))
    return ids, np.frombuffer((result.out / f"{split}-00-00000.idx").read_bytes(), dtype="<i8")


def loaded(result: StageResult) -> Tokenizer:
    return Tokenizer.from_file(str(result.out / "tokenizer" / "tokenizer.json"))


@pytest.mark.parametrize("vocab_size", [260, 512, 1000])
def test_vocabulary_is_exact(tmp_path: Path, vocab_size: int) -> None:
    result = run(tmp_path, EXAMPLES, EXAMPLES[:5], vocab_size)
    assert loaded(result).get_vocab_size() == result.value("vocab_size") == vocab_size
    assert result.value("reserved") == 0
    assert sorted(loaded(result).get_vocab().values()) == list(range(vocab_size))


def test_too_little_text_is_filled_with_reserved_entries(tmp_path: Path) -> None:
    result = run(tmp_path, ["to be or not to be"], ["that is the question"], 2048)
    reserved = result.value("reserved")
    assert reserved is not None
    assert reserved > 1700
    assert loaded(result).get_vocab_size() == 2048
    assert loaded(result).token_to_id("<|reserved_0|>") == 2048 - reserved


def test_shards_hold_the_documents_one_after_another(tmp_path: Path) -> None:
    result = run(tmp_path, EXAMPLES[:50], EXAMPLES[50:60], context=500)
    tokenizer = loaded(result)
    facts = json.loads((result.out / "tokens.json").read_text())
    for split, texts in (("train", EXAMPLES[:50]), ("heldout", EXAMPLES[50:60])):
        ids, starts = shard(result, split)
        assert len(starts) == len(texts) + 1
        assert (starts[0], starts[-1]) == (0, len(ids))
        for text, start, end in zip(texts, starts, starts[1:], strict=False):
            assert ids[end - 1] == facts["eos_id"]
            assert tokenizer.decode(ids[start : end - 1].tolist(), skip_special_tokens=False) == text
        assert facts[split]["tokens"] == len(ids)
        assert facts[split]["longest"] == int(np.diff(starts).max())


def test_documents_longer_than_the_context_are_counted(tmp_path: Path) -> None:
    result = run(tmp_path, ["a " * 30, "a"], ["b " * 63 + "b", "c"], vocab_size=258, context=60)
    # One token a byte, and the end: 61, 2, 128 and 2 tokens.
    assert (result.evidence["over_context"].value, result.evidence["over_context"].of) == (2, 4)
    assert result.evidence["mean_tokens"].samples == (61, 2, 128, 2)
    assert result.value("tokens") == 193
    facts = json.loads((result.out / "tokens.json").read_text())
    assert (facts["train"]["over_context"], facts["heldout"]["over_context"]) == (1, 1)


def test_special_tokens_inside_a_text_do_not_end_it(tmp_path: Path) -> None:
    texts = [f"a{END}b{PAD}c"]
    result = run(tmp_path, texts, texts, vocab_size=260)
    ids, _ = shard(result, "train")
    facts = json.loads((result.out / "tokens.json").read_text())
    assert (ids == facts["eos_id"]).sum() == 1
    assert facts["pad_id"] not in ids
    assert loaded(result).decode(ids[:-1].tolist(), skip_special_tokens=False) == texts[0]


def test_large_vocabularies_are_stored_in_32_bits(tmp_path: Path) -> None:
    result = run(tmp_path, ["a b"], ["c"], vocab_size=70_000)
    assert json.loads((result.out / "tokens.json").read_text())["dtype"] == "uint32"
    ids, starts = shard(result, "train")
    assert len(ids) == starts[-1] == 4


def test_an_empty_split_is_an_empty_shard(tmp_path: Path) -> None:
    result = run(tmp_path, EXAMPLES[:5], [])
    ids, starts = shard(result, "heldout")
    assert (len(ids), starts.tolist()) == (0, [0])


_TRAINED, _ = train(EXAMPLES, 700, 2)


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    assert _TRAINED.decode(_TRAINED.encode(text).ids, skip_special_tokens=False) == text


@pytest.mark.parametrize(
    "text", ["\x00\x01\x7f", " lead", "trail \n", "\r\n\r", "é\u0301\u200d\U0001f600", "<|endoftext|> x", "  '  don't"]
)
def test_awkward_text_comes_back(text: str) -> None:
    assert _TRAINED.decode(_TRAINED.encode(text).ids, skip_special_tokens=False) == text


_AGAIN = """
import hashlib, sys
from pathlib import Path
from ryot.plugins.testing import run_stage
from ryot.stages.tokenizer.stage import MIXED, Config, TokenizerStage
from ryot.stages.tokenizer.tokens import ORDER
folder = Path(sys.argv[1])
result = run_stage(TokenizerStage(), Config(vocab_size=600, context=64), folder, inputs={"documents": Path(sys.argv[2])})
files = sorted(path for path in result.out.rglob("*") if path.is_file())
print("DIGEST", hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest())
"""


def test_other_processes_and_thread_counts_give_the_same_bytes(tmp_path: Path) -> None:
    documents = documents_in(tmp_path / "documents", EXAMPLES, EXAMPLES[:20])
    digests = set()
    for threads in ("1", "2", "4"):
        env = {**os.environ, "RAYON_NUM_THREADS": threads, "PYTHONHASHSEED": threads}
        argv = [sys.executable, "-c", _AGAIN, str(tmp_path / threads), str(documents)]
        output = subprocess.run(argv, env=env, check=True, capture_output=True, text=True, timeout=120).stdout
        digests.add(next(line for line in output.splitlines() if line.startswith("DIGEST")))
    assert len(digests) == 1


def test_no_path_or_time_is_written(tmp_path: Path) -> None:
    result = run(tmp_path, EXAMPLES[:20], EXAMPLES[:3])
    for path in result.out.rglob("*.json"):
        assert str(tmp_path) not in path.read_text(encoding="utf-8")


@pytest.mark.heavy
def test_transformers_loads_it(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    result = run(tmp_path, EXAMPLES, EXAMPLES[:5])
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(result.out / "tokenizer"))
    assert (len(tokenizer), tokenizer.model_max_length) == (600, 64)
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == (END, END, PAD)
    text = " Step 1:  5 * 3 = 15\n\té"
    assert tokenizer(text)["input_ids"] == loaded(result).encode(text).ids
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_expand_takes_vocabulary_and_context_from_the_model() -> None:
    fields = {"version": 1, "name": "x", "model": {"preset": "ryot-tiny"}, "data": {"sources": [{"generate": {}}]}, "train": {"epochs": 1}}
    (node,) = TokenizerStage().expand(Spec.model_validate(fields), Facts("cpu:test x2"))
    assert node.config == Config(vocab_size=512, min_frequency=2, context=256)
    assert dict(node.inputs) == {"documents": "data"}


def test_weights_count_what_is_trained_on_where_long_documents_are_cut(tmp_path: Path) -> None:
    long, short = [" ".join([word] * 400) + f" {n}" for n in range(60) for word in ["river"]], [f"a short text {n}" for n in range(600)]
    folder = tmp_path / "documents"
    shards = [
        write_shard(folder, Shard(name, split, source), map(Document.of, texts))
        for name, split, source, texts in (
            ("train-00-00000", "train", 0, long),
            ("train-01-00000", "train", 1, short),
            ("heldout-00-00000", "heldout", 0, long[:5]),
        )
    ]
    write_index(folder, shards, {})
    config = Config(vocab_size=600, context=64, long="cut", weights=(0.5, 0.5))
    result = run_stage(
        TokenizerStage(), config, tmp_path / "run", inputs={"documents": folder}, measures=(*TokenizerStage.measures, *MIXED)
    )
    starts = [np.fromfile(result.out / f"train-0{source}-00000.idx", "<i8") for source in (0, 1)]
    trained = np.concatenate([np.minimum(np.diff(found), 64) for found in starts])
    order = np.fromfile(result.out / "train.order", ORDER)
    of_first = trained[order[order < 60]].sum()
    assert of_first / trained[order].sum() == pytest.approx(0.5, abs=0.02)
