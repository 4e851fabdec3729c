"""What the server may load: a Hugging Face folder of data, never of code. Read without the libraries that would run such code."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path

from ryot.plugins import NodeError

_CONTEXT_KEYS = ("max_position_embeddings", "n_positions")
_CODE = {".py", ".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".so"}
"""What files are called that are run, or unpickled, which is the same."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model folder fit to be served: the bytes of its weights, its context in tokens where its config tells, and whether some of its
    layers carry a recurrent state (a hybrid's Mamba mixers), and how many tokens there are, where its config tells."""

    folder: Path
    weight_bytes: int
    context: int | None
    recurrent: bool = False
    vocab_size: int | None = None
    chats: bool = False
    """Whether its tokenizer has a template for chats."""


def read_checkpoint(folder: Path) -> Checkpoint:
    """Look at a model folder. Raises NodeError when it is no checkpoint, has no weights, or carries code."""
    config = _read_config(folder)
    if what := _code(folder):
        raise NodeError(f"the model folder carries code of its own ({what}); ryot serves data only", hint="export it as plain safetensors")
    weights = sum(_weight_bytes(path) for path in folder.glob("*.safetensors"))
    if weights == 0:
        raise NodeError(f"{folder} has no weights in *.safetensors files", hint="run export again")
    context = next((config[key] for key in _CONTEXT_KEYS if isinstance(config.get(key), int)), None)
    layers = config.get("layer_types")
    recurrent = isinstance(layers, list) and "linear_attention" in layers
    vocab = config.get("vocab_size")
    return Checkpoint(
        folder,
        weights,
        context if isinstance(context, int) else None,
        recurrent,
        vocab if isinstance(vocab, int) else None,
        _chats(folder),
    )


def _code(folder: Path) -> str:
    """What of a folder would be run by who loads it, in words; empty where it is data. `auto_map` names classes, of another repository of
    the hub too, and transformers looks for it in the settings of models, tokenizers, processors and generation alike."""
    files = sorted(path.name for path in folder.rglob("*") if path.suffix.lower() in _CODE)
    if files:
        return f"the files {', '.join(files[:3])}"
    return next((f"`auto_map` in {path.name}" for path in sorted(folder.rglob("*.json")) if _names_code(path)), "")


def _names_code(path: Path) -> bool:
    """Whether settings have the key, however it is spelt (`auto\\u005fmap`). A tokenizer.json is large and no settings."""
    if path.name == "tokenizer.json":
        return False
    text = path.read_bytes().decode(errors="replace")
    try:
        text = json.dumps(json.loads(text))
    except (ValueError, RecursionError):
        return "auto_map" in text
    return '"auto_map":' in text


def _chats(folder: Path) -> bool:
    """As transformers looks for it: in a file of its own, or in the tokenizer's settings."""
    if (folder / "chat_template.jinja").exists():
        return True
    try:
        settings = json.loads((folder / "tokenizer_config.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(settings, dict) and bool(settings.get("chat_template"))


def _read_config(folder: Path) -> dict[str, object]:
    path = folder / "config.json"
    try:
        config = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise NodeError(f"{folder} is not a model folder: it has no config.json") from None
    except ValueError as error:
        raise NodeError(f"{path} is not JSON: {error}") from None
    if not isinstance(config, dict):
        raise NodeError(f"{path} does not hold a JSON object")
    return config


def _weight_bytes(path: Path) -> int:
    """Bytes of the tensors in a safetensors file: 8 bytes of length, a JSON header with offsets, then the tensors without a gap.
    Raises NodeError when the file is cut short or its header damaged."""
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(length, size)))
        ends = [int(tensor["data_offsets"][1]) for name, tensor in header.items() if name != "__metadata__"]
    except (struct.error, ValueError, AttributeError, TypeError, KeyError, IndexError):
        raise NodeError(f"{path.name} is damaged: it has no safetensors header", hint="run export again") from None
    if 8 + length + max(ends, default=0) != size:
        raise NodeError(f"{path.name} is damaged: its header tells of {8 + length + max(ends, default=0)} bytes, it has {size}")
    return max(ends, default=0)
