"""A trace of real requests: how long their prompts and answers were, and when they came. Pure, and standard library only."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

_MOST_TOLD = 5


class Traced(NamedTuple):
    """One request of a trace: tokens of its prompt and its answer, and when it came, in seconds from the first; None where untold."""

    prompt_tokens: int
    output_tokens: int
    at: float | None = None


def parse(lines: Iterable[str], context: int, *, timed: bool) -> list[Traced]:
    """A trace from its JSON lines; blank ones are passed over, what a line says beside is not read. Every request has to fit a `context`
    of so many tokens, and has its time where the trace is `timed`. Raises ValueError, naming the lines that are wrong by number."""
    found, wrong = list[Traced](), list[str]()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(_traced(json.loads(line), context, found[-1] if found else None, timed=timed))
        except (ValueError, TypeError, RecursionError) as error:
            problem = "is no JSON" if isinstance(error, json.JSONDecodeError | RecursionError) else str(error)
            wrong.append(f"line {number} {problem}")
    if wrong:
        rest = f"; and {len(wrong) - _MOST_TOLD:,} more" if len(wrong) > _MOST_TOLD else ""
        raise ValueError("; ".join(wrong[:_MOST_TOLD]) + rest)
    if not found:
        raise ValueError("there is no request in it")
    return _from_first(found)


def _from_first(found: Sequence[Traced]) -> list[Traced]:
    """The same requests, their times counted from the first."""
    start = found[0].at
    return [each._replace(at=each.at - start) if each.at is not None and start is not None else each for each in found]


def _traced(told: Any, context: int, before: Traced | None, *, timed: bool) -> Traced:
    if not isinstance(told, dict):
        raise TypeError("is no object")
    prompt, output = (_tokens(told, name) for name in ("prompt_tokens", "output_tokens"))
    if prompt + output > context:
        raise ValueError(f"asks for {prompt} + {output} tokens, and the context has {context}")
    if not timed:
        return Traced(prompt, output)
    at = told.get("at")
    if isinstance(at, bool) or not isinstance(at, int | float) or not math.isfinite(at):
        raise ValueError(f"has no time `at` in seconds, but {at!r}"[:100])
    if before is not None and before.at is not None and at < before.at:
        raise ValueError(f"came at {at:g} s, before the line above it")
    return Traced(prompt, output, float(at))


def _tokens(told: dict[str, Any], name: str) -> int:
    count = told.get(name)
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"has {name}: {count!r}"[:100])
    return count
