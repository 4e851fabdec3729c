"""What a streamed completion says (server-sent events), and when each token of it came. Pure; read after the clock was stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_DONE = b"[DONE]"


@dataclass(frozen=True, slots=True)
class Streamed:
    """When each chunk with tokens was there (ns, ascending), how many tokens the server says there are, and what is wrong or ""."""

    marks_ns: tuple[int, ...] = ()
    tokens: int = 0
    error: str = ""


def read_stream(parts: Sequence[tuple[int, bytes]], tokens: int) -> Streamed:
    """A completion from the parts of its body, each with its time (ns); `tokens` are expected."""
    marks, told, done, bare = [], 0, False, False
    try:
        for now_ns, data in _events(parts):
            done = data == _DONE
            if done:
                break
            event = json.loads(data)
            if "error" in event:
                return Streamed(error="an error in the stream")
            for choice in event["choices"]:
                marks.append(now_ns)
                bare = not choice["text"] and bool(choice.get("finish_reason"))
            told = int((event.get("usage") or {"completion_tokens": told})["completion_tokens"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return Streamed(error="the answer is not a stream of completions")
    if not done:
        return Streamed(error="the stream broke off")
    if bare and len(marks) > told:  # it said only that this was the end; else it is a last token whose letter is not complete
        marks.pop()
    if told != tokens or not 0 < len(marks) <= tokens:
        return Streamed(error="wrong number of tokens")
    return Streamed(tuple(marks), told)


def _events(parts: Sequence[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The data of each event, with the time of the part that ended it."""
    rest = b""
    for now_ns, data in parts:
        *whole, rest = (rest + data.replace(b"\r\n", b"\n")).split(b"\n\n")
        for event in whole:
            lines = [line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:")]
            if lines:
                yield now_ns, b"\n".join(lines)
