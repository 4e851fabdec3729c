"""Token ids to text as they come, and where a text stops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokenizers.decoders import DecodeStream

_PRIMED = 6
"""Tokens of the prompt that are decoded first, so that the first new one is decoded as what follows them."""


class Text:
    """The text of one sequence. `backend` is the tokenizer (tokenizers.Tokenizer). What may be the beginning of a stop is held back."""

    def __init__(self, backend: Any, prompt: Sequence[int], stops: tuple[str, ...], *, skip_special: bool = True) -> None:
        self._backend, self._stops = backend, stops
        self._stream = DecodeStream(ids=list(prompt[-_PRIMED:]), skip_special_tokens=skip_special)
        self._held = ""

    def add(self, token: int, *, may_stop: bool = True) -> tuple[str, str | None]:
        """The text that is new and sure, and the stop that was met, which is not part of it."""
        self._held += self._stream.step(self._backend, token) or ""
        found = [(at, stop) for stop in self._stops if may_stop and (at := self._held.find(stop)) >= 0]
        if found:
            at, stop = min(found)
            text, self._held = self._held[:at], ""
            return text, stop
        sure = len(self._held) - max((_overlap(self._held, stop) for stop in self._stops), default=0)
        text, self._held = self._held[:sure], self._held[sure:]
        return text, None

    def rest(self) -> str:
        """What was held back, now that nothing follows."""
        text, self._held = self._held, ""
        return text


def _overlap(text: str, stop: str) -> int:
    """Characters at the end of `text` with which `stop` begins."""
    return next((size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0)
