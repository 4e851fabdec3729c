"""What a filter says of a text: the text as it goes on, or Dropped; and the form all filters have."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dropped:
    """A text does not go on. `reason` is one of a few words to count by; `detail` says it of this text."""

    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


Verdict = str | Dropped
Judge = Callable[[Sequence[str]], list[Verdict]]
"""A filter at work. Texts come in batches, so that what is computed can be computed for many at once; a text's verdict does not
depend on its batch."""


def each(judge: Callable[[str], Verdict]) -> Judge:
    """A filter that looks at one text at a time."""
    return lambda texts: [judge(text) for text in texts]
