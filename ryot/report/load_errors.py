"""Failed requests of each load by their cause: a generator's own words (`ConnectionResetError`, `HTTP 503`), put into few kinds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_KINDS = {
    "timeout": "no answer in time",
    "ConnectionRefusedError": "connection refused",
    **dict.fromkeys(
        (
            "ConnectionResetError",
            "ConnectionAbortedError",
            "BrokenPipeError",
            "RemoteDisconnected",
            "IncompleteRead",
            "the stream broke off",
        ),
        "connection lost",
    ),
    "an error in the stream": "an error in the stream",
    **dict.fromkeys(("gaierror", "OSError"), "no connection"),
}
_MALFORMED = "malformed or wrong answer"


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """Requests of a load that failed for one cause; `of` is how many there were, None where unknown; `seen`: what they failed with, each
    with its number."""

    load: str
    cause: str
    count: int
    of: int | None
    seen: str


def cause_of(word: str) -> str:
    """The kind of one failure: an HTTP status is one of its own; what is none of the known is an answer that could not be used."""
    return word if word.startswith("HTTP ") and word[5:].isdigit() else _KINDS.get(word, _MALFORMED)


def rows_of_errors(errors: Mapping[str, Mapping[str, int]], requests: Mapping[str, int]) -> tuple[ErrorRow, ...]:
    """A row for each load and cause, the most frequent first. `errors`: failures by load and word; `requests`: all of each load."""
    return tuple(row for load, words in sorted(errors.items()) for row in _rows(load, words, requests.get(load)))


def _rows(load: str, words: Mapping[str, int], of: int | None) -> Sequence[ErrorRow]:
    counts: Counter[str] = Counter()
    for word, count in words.items():
        counts[cause_of(word)] += count
    found = []
    for cause, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        seen = ", ".join(f"{word} {number:,}" for word, number in sorted(words.items()) if cause_of(word) == cause)
        found.append(ErrorRow(load, cause, count, of, seen))
    return found
