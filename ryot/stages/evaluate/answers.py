"""The answers that a model gave, a line each, written as they come: after a crash only the rest is asked.

lm-eval's own cache is not used: it unpickles what it finds, its keys do not name the model, and it is committed by a thread that a kill
takes along. This file lies in a node's scratch folder, so what stands in it is of the same weights, tasks, items and server.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

Answer = str | float | tuple[float, bool]
"""What was generated; the log-likelihood of a text; that of a continuation, and whether it is the likeliest one."""


class Answers:
    """What is known, and a file to which each new answer is added. A last line that a crash cut off is dropped."""

    def __init__(self, path: Path) -> None:
        self._known: dict[str, Answer] = {}
        whole = _whole_lines(path)
        for line in whole.splitlines():
            key, answer = json.loads(line)
            self._known[key] = (float(answer[0]), bool(answer[1])) if isinstance(answer, list) else answer
        self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
        self._file.truncate(len(whole))
        self._file.seek(len(whole))

    def of(self, kind: str, asked: Sequence[object]) -> Answer | None:
        """The answer to a request of lm-eval's `kind`, if it was given. What is sampled has another answer each time, so it has none."""
        return None if _sampled(asked) else self._known.get(_key(kind, asked))

    def add(self, kind: str, asked: Sequence[object], answer: Answer) -> None:
        """Keep an answer. It is in the file before this returns, and outlives this process from then on."""
        if not _sampled(asked):
            key = _key(kind, asked)
            self._known[key] = answer
            self._file.write(json.dumps([key, answer]).encode() + b"\n")


def _whole_lines(path: Path) -> bytes:
    """What stands up to the last line that is whole and reads as a key with its answer."""
    data = path.read_bytes() if path.exists() else b""
    good = 0
    for line in data.splitlines(keepends=True):
        if not line.endswith(b"\n") or not _readable(line):
            break
        good += len(line)
    return data[:good]


def _readable(line: bytes) -> bool:
    try:
        found = json.loads(line)
    except ValueError:
        return False
    return isinstance(found, list) and len(found) == 2 and isinstance(found[0], str)


def _key(kind: str, asked: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps([kind, *asked], sort_keys=True).encode()).hexdigest()


def _sampled(asked: Sequence[object]) -> bool:
    options = asked[1] if len(asked) > 1 else None
    return isinstance(options, dict) and bool(options.get("do_sample") or options.get("temperature"))
