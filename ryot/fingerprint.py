"""Identity: a value's canonical JSON and its SHA-256. A value without one stable form is an error, never str()."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import TypeAlias

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"


def canonical(value: object) -> str:
    """Canonical JSON: sorted keys, no spaces, shortest floats. Raises TypeError for a value without a stable form."""
    return json.dumps(stable(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def fingerprint(value: object) -> str:
    """SHA-256 of the canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def stable(value: object, path: str = "value") -> Json:
    """The value as plain JSON data; an integral float becomes an int, so that `1.0` and `1` are one identity."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            if not math.isfinite(value):
                raise TypeError(f"{path} is {value}, which has no stable form")
            return int(value) if value.is_integer() and abs(value) < 2**53 else value
        case Mapping():
            return {_key(key, path): stable(item, f"{path}.{key}") for key, item in value.items()}
        case list() | tuple():
            return [stable(item, f"{path}[{index}]") for index, item in enumerate(value)]
    raise TypeError(f"{path} is a {type(value).__name__}, which has no stable form")


def _key(key: object, path: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"{path} has the key {key!r}; only strings have a stable form")
    return key
