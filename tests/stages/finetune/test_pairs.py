"""Pairs from files and from the generator."""

import json
from pathlib import Path
from typing import Any

import pytest

from ryot.plugins import NodeError
from ryot.plugins.testing import context_in, write_documents
from ryot.stages.align.work import preference
from ryot.stages.data.generator.generate import generate
from ryot.stages.data.stage import GeneratorSource
from ryot.stages.finetune.pairs import APART, Pair, made_documents, prompt_of, read_pairs, supervised, worked
from ryot.stages.finetune.stage import FinetuneStage
from tests.stages.finetune.made import write_pairs


def read(folder: Path, *lines: object, parse: Any = supervised) -> list[Pair]:
    return read_pairs(write_pairs(folder / "pairs.jsonl", list(lines)), parse)  # type: ignore[arg-type]


def test_pairs_come_in_order_and_exact_copies_once(tmp_path: Path) -> None:
    one, other = {"prompt": "Q: 1?\n", "completion": "A: 1"}, {"prompt": "Q: 2?\n", "completion": "A: 2", "note": "kept out"}
    assert read(tmp_path, other, one, other) == [Pair("Q: 2?\n", ("A: 2",)), Pair("Q: 1?\n", ("A: 1",))]


def test_the_last_message_is_the_completion(tmp_path: Path) -> None:
    turns = [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Bye"), ("assistant", "Farewell")]
    (pair,) = read(tmp_path, {"messages": [{"role": role, "content": content} for role, content in turns]})
    assert pair.prompt == "System: Be brief.\nUser: Hi\nAssistant: Hello\nUser: Bye\nAssistant:"
    assert pair.completions == (" Farewell",)


@pytest.mark.parametrize(("line", "words"), [
    ({"prompt": "a"}, "there is no field 'completion'"),
    ({"prompt": "a", "completion": 5}, "field 'completion' is not a string"),
    ({"prompt": " ", "completion": "b"}, "field 'prompt' is empty"),
    ({"prompt": "a", "completion": "\ud800"}, "half of a surrogate pair"),
    (["a", "b"], "a JSON object is needed"),
    ({"messages": [{"role": "user", "content": "a"}]}, "ends with the assistant's answer"),
    ({"messages": [{"role": "assistant", "content": "a"}]}, "something stands before it"),
    ({"messages": "a"}, "not an array"),
])  # fmt: skip
def test_a_wrong_line_is_named(tmp_path: Path, line: object, words: str) -> None:
    with pytest.raises(NodeError, match=rf"pairs.jsonl:2: .*{words}"):
        read(tmp_path, {"prompt": "a", "completion": "b"}, line)


def test_what_is_no_json_and_no_utf_8_is_named_too(tmp_path: Path) -> None:
    source = write_pairs(tmp_path / "pairs.jsonl", [])
    for text, words in ((b'{"prompt": ', "Expecting value"), (b"\xff\n", "not UTF-8"), (b"[" * 100_000, "nested too deeply")):
        (tmp_path / "pairs.jsonl").write_bytes(b"\n" + text)
        changed = write_of(tmp_path, source)
        with pytest.raises(NodeError, match=rf"pairs.jsonl:2: .*{words}"):
            read_pairs(changed, supervised)


def write_of(folder: Path, source: Any) -> Any:
    from ryot.plugins import digest_file  # noqa: PLC0415

    return source.model_copy(update={"digest": digest_file(folder / "pairs.jsonl")})


def test_a_file_that_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    source = write_pairs(tmp_path / "pairs.jsonl", [{"prompt": "a", "completion": "b"}])
    (tmp_path / "pairs.jsonl").write_text(json.dumps({"prompt": "a", "completion": "c"}))
    with pytest.raises(NodeError, match="changed after the plan was made"):
        read_pairs(source, supervised)


def test_a_preference_needs_two_different_answers(tmp_path: Path) -> None:
    assert read(tmp_path, {"prompt": "a", "chosen": "b", "rejected": "c"}, parse=preference) == [Pair("a", ("b", "c"))]
    with pytest.raises(NodeError, match="`chosen` and `rejected` are the same text"):
        read(tmp_path, {"prompt": "a", "chosen": "b", "rejected": "b"}, parse=preference)


def test_generated_pairs_are_the_text_of_examples_and_none_that_a_document_asks(tmp_path: Path) -> None:
    """The documents here are the very draws that would be made."""
    source = GeneratorSource(examples=40, domains=("mathematics",), difficulties=("elementary",))
    first = generate(source, 7 + APART, lambda **_: None).documents
    documents = write_documents(tmp_path / "documents", train=first[:20], heldout=first[20:30])
    context = context_in(tmp_path / "node", FinetuneStage(), [], inputs={"documents": documents})
    made = made_documents(source, 7, context)
    assert len(made) == 40
    assert not {document.meta["question"] for document in made} & {document.meta["question"] for document in first[:30]}
    assert made == made_documents(source, 7, context)
    for document in made:
        assert document.text.startswith(prompt_of(document) + worked(document) + "\nConfidence: ")
        assert worked(document).endswith(f"\nA: {document.meta['answer']}")
