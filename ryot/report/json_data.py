"""Data made fit for JSON, and JSON made harmless."""

import json
import math
from collections.abc import Mapping


def finite(value: object) -> object:
    """Data that JSON can hold: numbers that are not finite become null, lone surrogates question marks."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    return value


def escaped(text: str) -> str:
    """JSON with what cannot be printed, C1 codes and turned directions among it, as `\\u009b`: it commands no terminal."""
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)
