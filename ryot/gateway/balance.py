"""Which replica is asked: of two drawn at random the one with less to do. Pure."""

import random
from collections.abc import Sequence
from typing import Protocol, TypeVar


class Loaded(Protocol):
    """Something with sequences in flight."""

    in_flight: int


Candidate = TypeVar("Candidate", bound=Loaded)


def pick(candidates: Sequence[Candidate], draw: random.Random) -> Candidate | None:
    """Power of two choices (Mitzenmacher 2001): nearly as even as asking all, without the herd that follows the least loaded one."""
    if not candidates:
        return None
    if len(candidates) == 1:
        return candidates[0]
    one, other = draw.sample(candidates, 2)
    return one if one.in_flight <= other.in_flight else other
