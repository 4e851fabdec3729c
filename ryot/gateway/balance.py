"""Which replica is asked: of two drawn at random the one with less to do. Pure."""

import random
from collections.abc import Sequence
from typing import Protocol, TypeVar


class Loaded(Protocol):
    """Something with sequences in flight, and the number of the last turn it had."""

    in_flight: int
    turn: int


Candidate = TypeVar("Candidate", bound=Loaded)


def pick(candidates: Sequence[Candidate], draw: random.Random) -> Candidate | None:
    """Power of two choices (Mitzenmacher 2001): nearly as even as asking all, without the herd that follows the least loaded one. Of two
    that have as much to do the one whose last turn is longer ago."""
    if not candidates:
        return None
    if len(candidates) == 1:
        return candidates[0]
    one, other = draw.sample(candidates, 2)
    return one if (one.in_flight, one.turn) <= (other.in_flight, other.turn) else other
