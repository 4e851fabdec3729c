"""A tokenizer taken from a checkpoint's folder or a tokenizer.json instead of trained: what is read, and what is refused."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from ryot.plugins import NodeError
from ryot.stages.tokenizer.bpe import END, PAD, train

_KEPT = ("chat_template", "unk_token", "add_prefix_space", "clean_up_tokenization_spaces")
_HINT = "name a folder with a tokenizer.json, as save_pretrained writes it, or the file itself"


@dataclass(frozen=True, slots=True)
class Taken:
    """A tokenizer, with its settings (those of tokenizer_config.json that stay true) and special tokens' names."""

    tokenizer: Tokenizer
    settings: dict[str, Any]

    @property
    def end(self) -> str:
        """The token that ends a document."""
        return str(self.settings["eos_token"])

    @property
    def begin(self) -> str:
        """The token a text begins with."""
        return str(self.settings["bos_token"])

    @property
    def pad(self) -> str:
        """The token that fills rows."""
        return str(self.settings["pad_token"])


def trained(texts: Iterable[str], vocab_size: int, min_frequency: int) -> tuple[Taken, int]:
    """One that is trained here instead, and how many of its entries are reserved."""
    tokenizer, reserved = train(texts, vocab_size, min_frequency)
    return Taken(tokenizer, {"eos_token": END, "bos_token": END, "pad_token": PAD}), reserved


def take(path: Path, written: str, vocab_size: int) -> Taken:
    """The tokenizer at `path`, which the spec writes as `written`. Raises NodeError where it cannot serve the model.

    The end token must be named in tokenizer_config.json or special_tokens_map.json beside tokenizer.json. Where those name no
    begin or no pad token, the end token stands in, as it does in GPT-2: masks, not ids, keep padding out of the loss.
    """
    file = path / "tokenizer.json" if path.is_dir() else path
    found = _read(file, written)
    if "model" not in found:
        raise NodeError(f"data.tokenizer.path: {written} is no tokenizer.json: it has no `model`", hint=_HINT)
    tokenizer = Tokenizer.from_file(str(file))
    _fits(tokenizer, written, vocab_size)
    own = _settings(file.parent, written)
    names = {key: name for key in ("eos_token", "bos_token", "pad_token") if (name := _name(own.get(key))) is not None}
    if "eos_token" not in names:
        raise NodeError(
            f"data.tokenizer.path: nothing beside {written} says which token ends a document",
            hint='write {"eos_token": "..."} into tokenizer_config.json beside tokenizer.json',
        )
    end = names["eos_token"]
    names = {"eos_token": end, "bos_token": end, "pad_token": end} | names
    for key, name in names.items():
        if tokenizer.token_to_id(name) is None:
            raise NodeError(
                f"data.tokenizer.path: {key} is {name!r}, which is not in the vocabulary of {written}",
                hint=f"name an entry of the vocabulary as {key} in tokenizer_config.json, or null for none",
            )
    return Taken(tokenizer, {key: own[key] for key in _KEPT if key in own} | names)


def _read(file: Path, written: str) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NodeError(f"data.tokenizer.path: {written} has no {file.name}", hint=_HINT) from None
    except ValueError as error:
        raise NodeError(f"data.tokenizer.path: {file.name} of {written} is not JSON: {error}", hint=_HINT) from None
    if not isinstance(found, dict):
        raise NodeError(f"data.tokenizer.path: {file.name} of {written} is not an object of JSON", hint=_HINT)
    return found


def _fits(tokenizer: Tokenizer, written: str, vocab_size: int) -> None:
    highest = max(tokenizer.get_vocab().values(), default=-1)
    if highest >= vocab_size:
        raise NodeError(
            f"data.tokenizer.path: {written} has ids up to {highest}; model.vocab_size is {vocab_size}",
            hint=f"set model.vocab_size to {highest + 1} or more",
        )
    if highest < 0:
        raise NodeError(f"data.tokenizer.path: the vocabulary of {written} is empty", hint=_HINT)


def _settings(folder: Path, written: str) -> dict[str, Any]:
    """Both files' settings; tokenizer_config.json decides where both speak."""
    found: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            found |= {key: value for key, value in _read(folder / name, written).items() if value is not None}
    return found


def _name(token: object) -> str | None:
    """A special token is written as its text or as an object with its `content`."""
    content = token.get("content") if isinstance(token, dict) else token
    return content if isinstance(content, str) else None
