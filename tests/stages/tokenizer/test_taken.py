"""A tokenizer that is taken: it encodes as it did, keeps its special tokens, and is refused where it does not fit the model."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from ryot.plugins import Facts, NodeError, Spec, SpecError, digest_path
from ryot.plugins.stage import identity
from ryot.plugins.testing import run_stage, write_documents
from ryot.stages.tokenizer.bpe import END, PAD
from ryot.stages.tokenizer.stage import Config, TakenTokenizer, TokenizerStage
from ryot.stages.tokenizer.taken import take
from tests.stages.tokenizer.made import TEXTS, small


def checkpoint(folder: Path, **settings: Any) -> Path:
    folder.mkdir(exist_ok=True)
    small().save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def test_it_is_taken_from_a_folder_or_from_the_file(tmp_path: Path) -> None:
    folder = checkpoint(
        tmp_path / "model", eos_token=END, bos_token={"content": "a"}, pad_token=PAD, chat_template="{{ x }}", name_or_path="/x"
    )
    for path in (folder, folder / "tokenizer.json"):
        taken = take(path, "model", 700)
        assert (taken.end, taken.begin, taken.pad) == (END, "a", PAD)
        assert taken.settings == {"chat_template": "{{ x }}", "eos_token": END, "bos_token": "a", "pad_token": PAD}


def test_the_end_token_stands_in_for_begin_and_pad(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "model", bos_token=None)
    (folder / "special_tokens_map.json").write_text(json.dumps({"eos_token": {"content": END}}))
    taken = take(folder, "model", 5000)
    assert (taken.end, taken.begin, taken.pad) == (END, END, END)


@pytest.mark.parametrize(
    ("settings", "vocab_size", "said", "hint"),
    [
        ({"eos_token": END}, 699, "ids up to 699; model.vocab_size is 699", "set model.vocab_size to 700 or more"),
        ({}, 700, "which token ends a document", '{"eos_token": "..."}'),
        ({"eos_token": "</s>"}, 700, "eos_token is '</s>', which is not in the vocabulary", "eos_token"),
        ({"eos_token": END, "pad_token": "<pad>"}, 700, "pad_token is '<pad>'", "pad_token"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, settings: dict[str, Any], vocab_size: int, said: str, hint: str) -> None:
    with pytest.raises(NodeError) as caught:
        take(checkpoint(tmp_path / "model", **settings), "models/mine", vocab_size)
    assert said in caught.value.message
    assert "data.tokenizer.path" in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("written", "said"),
    [(None, "has no tokenizer.json"), ("{", "not JSON"), ("[]", "not an object"), ("{}", "no `model`"), (b"\xff", "not JSON")],
)
def test_what_is_no_tokenizer_is_refused(tmp_path: Path, written: str | bytes | None, said: str) -> None:
    if written is not None:
        (tmp_path / "tokenizer.json").write_bytes(written if isinstance(written, bytes) else written.encode())
    with pytest.raises(NodeError, match=said):
        take(tmp_path, "mine", 700)


def test_the_node_encodes_with_it(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "model", eos_token=END)
    documents = write_documents(tmp_path / "documents", train=TEXTS[:20], heldout=TEXTS[:20])
    config = Config(vocab_size=1000, context=64, taken=TakenTokenizer(digest=digest_path(folder), written="model", path=str(folder)))
    result = run_stage(TokenizerStage(), config, tmp_path / "tokenizer", inputs={"documents": documents})
    right = [number for text in TEXTS[:20] for number in [*small().encode(text).ids, small().token_to_id(END)]]
    assert np.fromfile(result.out / "train-00-00000.bin", dtype="<u2").tolist() == right
    facts = json.loads((result.out / "tokens.json").read_text())
    assert (facts["vocab_size"], facts["reserved"], facts["pad_id"]) == (700, 0, small().token_to_id(END))
    assert Tokenizer.from_file(str(result.out / "tokenizer" / "tokenizer.json")).get_vocab() == small().get_vocab()
    assert str(tmp_path) not in "".join(path.read_text() for path in result.out.rglob("*.json"))


def spec(**tokenizer: Any) -> Spec:
    data = {"sources": [{"generate": {}}], "tokenizer": tokenizer}
    return Spec.model_validate({"version": 1, "name": "x", "model": {"preset": "ryot-tiny"}, "data": data, "train": {"epochs": 1}})


def test_its_digest_is_its_identity() -> None:
    nodes = [
        next(iter(TokenizerStage().expand(spec(path="model"), Facts("cpu", digests={"model": digest}, paths={"model": place}))))
        for digest, place in (("one", "/a"), ("one", "/b"), ("two", "/a"))
    ]
    first, elsewhere, other = [identity(node.config) for node in nodes]
    assert first == elsewhere != other


def test_the_path_to_take_changes_no_identity() -> None:
    fast, slow = [next(iter(TokenizerStage().expand(spec(fast=fast), Facts("cpu")))) for fast in (True, False)]
    assert identity(fast.config) == identity(slow.config)


def test_a_tokenizer_that_is_not_there_is_refused_in_the_plan() -> None:
    with pytest.raises(SpecError, match=r"data\.tokenizer names model, which is not there"):
        list(TokenizerStage().expand(spec(path="model"), Facts("cpu")))


def test_one_that_is_not_the_planned_one_is_refused(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "model", eos_token=END)
    taken = TakenTokenizer(digest=digest_path(folder), written="model", path=str(folder))
    (folder / "tokenizer_config.json").write_text("{}")
    documents = write_documents(tmp_path / "documents", train=TEXTS[:20], heldout=TEXTS[:20])
    with pytest.raises(NodeError, match="model changed after the plan was made"):
        run_stage(TokenizerStage(), Config(vocab_size=1000, context=64, taken=taken), tmp_path / "run", inputs={"documents": documents})
