"""Prompts with their completions, read from a file of JSON lines or made by the generator. Texts only; no tensors."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ryot.plugins import Document, Documents, NodeError, StageContext, digest_path
from ryot.stages.data.generator.generate import generate
from ryot.stages.data.generator.units import key_of
from ryot.stages.data.lines import read_lines
from ryot.stages.data.stage import MAX_LINE, FileSource, GeneratorSource

APART = 1_000_003
"""What a seed of pairs is moved by, lest they be the draws that the documents are, which would all be left out again."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A prompt and what may follow it: one completion to be learnt, or a chosen and a rejected one."""

    prompt: str
    completions: tuple[str, ...]


Parse = Callable[[Mapping[str, Any]], Pair]
"""A record as a Pair. Raises ValueError saying what is wrong."""


def read_pairs(source: FileSource, parse: Parse) -> list[Pair]:
    """The pairs of a file, in its order, exact copies once. Raises NodeError, with the line, for the first that is wrong."""
    path = Path(source.path)
    try:
        if digest_path(path) != source.digest:
            raise NodeError(f"{source.written} changed after the plan was made", hint="start again: it is read under its new digest")
        found = [_parsed(line.text, line.why, parse, f"{source.written}:{line.number}") for line in read_lines(path, MAX_LINE)]
    except OSError as error:
        raise NodeError(f"cannot read {source.written}: {error.strerror or error}") from error
    return list(dict.fromkeys(pair for pair in found if pair is not None))


def _parsed(text: str, why: str | None, parse: Parse, where: str) -> Pair | None:
    if why is None and not text.strip():
        return None
    try:
        if why is not None:
            raise ValueError(why)
        record = json.loads(text)
        if not isinstance(record, dict):
            raise ValueError("a JSON object is needed")
        return parse(record)
    except RecursionError:
        raise NodeError(f"{where}: bad JSON: nested too deeply") from None
    except ValueError as error:
        raise NodeError(
            f"{where}: {error}", hint="every line is one pair; `ryot explain finetune.path` and `align.path` say which"
        ) from None


def supervised(record: Mapping[str, Any]) -> Pair:
    """A pair to be learnt: `prompt` and `completion`, or `messages` whose last is the assistant's."""
    if "messages" in record:
        return _chat(record["messages"])
    return Pair(text_in(record, "prompt"), (text_in(record, "completion"),))


def _chat(messages: object) -> Pair:
    """Turns in plain words, `User: ...` and `Assistant: ...`, a line each: a model trained from its first weights has no template."""
    if not isinstance(messages, list) or not all(isinstance(turn, dict) for turn in messages):
        raise ValueError("`messages` is not an array of objects")
    turns = [(text_in(turn, "role"), text_in(turn, "content")) for turn in messages]
    if len(turns) < 2 or turns[-1][0] != "assistant":
        raise ValueError("`messages` ends with the assistant's answer, and something stands before it")
    before = "".join(f"{role.capitalize()}: {content}\n" for role, content in turns[:-1])
    return Pair(f"{before}Assistant:", (f" {turns[-1][1]}",))


def text_in(record: Mapping[str, Any], name: str) -> str:
    """A field that is a text and says something. Raises ValueError."""
    value = record.get(name)
    if not isinstance(value, str):
        raise ValueError(f"there is no field {name!r}" if value is None else f"field {name!r} is not a string")
    if not value.strip():
        raise ValueError(f"field {name!r} is empty")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"field {name!r} holds half of a surrogate pair, which is no character") from None
    return value


def made_documents(source: GeneratorSource, seed: int, context: StageContext) -> list[Document]:
    """Generated examples whose questions stand in none of the node's documents, whether trained on or held out."""
    documents = Documents(context.inputs["documents"])
    known = {
        key_of(document.meta["question"]) for shard in documents.shards for document in documents.read(shard) if "question" in document.meta
    }
    made = generate(source, seed + APART, context.report, frozenset(known)).documents
    context.say(f"made {len(made)} examples beside the {len(known)} whose questions are known")
    return made


def prompt_of(document: Document) -> str:
    """The question of a generated example, as its text begins."""
    return f"Q: {document.meta['question']}\n"


def worked(document: Document) -> str:
    """The reasoning of a generated example and its answer, as they stand in its text."""
    start, end = document.text.index("Reasoning:\n"), document.text.index("\nConfidence: ")
    return document.text[start:end]
