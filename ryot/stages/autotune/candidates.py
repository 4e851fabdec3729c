"""What else a setting may be. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ryot.stages.serve.settings import Setting
from ryot.stages.serve.stage import ServeConfig

_GUESSES = 4
_LEAST_CACHE = 16 << 20


@dataclass(frozen=True, slots=True)
class Room:
    """What the machine has: cores, bytes of memory that are free, and the types it computes in itself, fp32 aside."""

    cpus: int
    cuda: bool
    free: int
    types: tuple[str, ...]


Change = dict[str, Any]


def alternatives(setting: Setting, config: ServeConfig, room: Room) -> list[Change]:
    """Other values of one setting than the present, each as the fields of a ServeConfig that change."""
    present = getattr(config, setting)
    return [{setting: value} for value in dict.fromkeys(_values(setting, config, room)) if value != present]


def _values(setting: Setting, config: ServeConfig, room: Room) -> Iterable[Any]:
    match setting:
        case "threads":
            return () if room.cuda else (room.cpus, max(room.cpus - 1, 1), max(room.cpus // 2, 1))
        case "in_process":
            return () if room.cuda else (not config.in_process,)
        case "eager":
            return (not config.eager,)
        case "dtype":
            return room.types if config.dtype == "auto" else ("fp32", *room.types)
        case "max_concurrency":
            return max(config.max_concurrency // 2, 1), config.max_concurrency * 2
        case "kv_cache":
            fits = max(room.free // 2, config.kv_cache)
            return [size for size in (config.kv_cache // 2, config.kv_cache * 2) if _LEAST_CACHE <= size <= fits]
        case "speculative":
            return (0 if config.speculative else _GUESSES,)
