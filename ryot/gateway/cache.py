"""A cache of whole answers, bounded in bytes and in time. Pure; the clock is passed in."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What is kept of an answer: its body and content type."""

    body: bytes
    content_type: bytes


OVERHEAD = 256
"""Bytes that an entry costs beside its body: key, tuple, links."""


class ResponseCache:
    """Answers by the digest of a whole request. The least recently used leave first; none is older than `ttl_s` seconds."""

    def __init__(self, ttl_s: float, most_bytes: int) -> None:
        self.ttl_s, self.most_bytes, self.bytes = ttl_s, most_bytes, 0
        self._answers: OrderedDict[bytes, tuple[float, Answer]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: bytes, now_s: float) -> Answer | None:
        """The answer to a request, unless it is too old."""
        found = self._answers.get(key)
        if found is None:
            return None
        if now_s - found[0] >= self.ttl_s:
            self._drop(key)
            return None
        self._answers.move_to_end(key)
        return found[1]

    def put(self, key: bytes, answer: Answer, now_s: float) -> None:
        """Keep an answer; one that is larger than an eighth of the cache is not kept."""
        size = len(answer.body) + OVERHEAD
        if size * 8 > self.most_bytes:
            return
        if key in self._answers:
            self._drop(key)
        self._answers[key] = (now_s, answer)
        self.bytes += size
        while self.bytes > self.most_bytes:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: bytes) -> None:
        self.bytes -= len(self._answers.pop(key)[1].body) + OVERHEAD
