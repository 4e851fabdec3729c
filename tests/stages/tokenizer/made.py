"""Small tokenizers for the tests: trained once, and the same with one thing changed."""

import functools
import json
from collections.abc import Callable
from typing import Any

from tokenizers import Tokenizer

from ryot.stages.data.generator.generate import generate
from ryot.stages.data.stage import GeneratorSource
from ryot.stages.tokenizer.bpe import train

TEXTS = [document.text for document in generate(GeneratorSource(examples=400), 42, lambda **_: None).documents]


@functools.cache
def _trained() -> str:
    return str(train(TEXTS, 700, 2)[0].to_str())


def small() -> Tokenizer:
    """700 entries."""
    return Tokenizer.from_str(_trained())


def changed(change: Callable[[dict[str, Any]], None]) -> Tokenizer:
    """The small one with a change to its tokenizer.json."""
    parts = json.loads(_trained())
    change(parts)
    return Tokenizer.from_str(json.dumps(parts))


def split_by(pattern: str) -> Tokenizer:
    """The small one with pieces cut by a pattern, as Llama 3 and Qwen 2 do it."""

    def change(parts: dict[str, Any]) -> None:
        split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
        parts["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [split, parts["pre_tokenizer"] | {"use_regex": False}]}

    return changed(change)
