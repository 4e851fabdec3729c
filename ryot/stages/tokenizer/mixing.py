"""The order in which documents are trained on. Pure numpy; the same on every machine.

Without weights: every document once, in the order of a seeded hash of its id, so that neither the order of the sources nor a dropped
document reshuffles the others. With weights: each source gives its share of the tokens, spread evenly from the first to the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ryot.plugins import NodeError

Order = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]
MOST_EPOCHS = 100
"""More repetitions than this are taken for a mistake, unless the spec allows them."""


@dataclass(frozen=True, slots=True)
class Pool:
    """All documents of a split, by number: the source, the tokens and the id of each."""

    sources: Order
    tokens: Order
    ids: Keys


@dataclass(frozen=True, slots=True)
class Mixture:
    """The shares of the sources, in their order, how many tokens to take (None: as many as there are), how often one may repeat, and
    what the sources are called."""

    weights: Sequence[float]
    tokens: int | None = None
    max_epochs: float | None = None
    names: Sequence[str] = ()

    def name(self, source: int) -> str:
        """What a source is called: its number, counted from 1, where there are no names."""
        return self.names[source] if self.names else f"source {source + 1}"


def shuffled(ids: Keys, seed: int, epoch: int = 0) -> Order:
    """The numbers of documents in the order of a hash of seed, epoch and id."""
    with np.errstate(over="ignore"):
        salt = _mix(np.array([seed], np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(epoch))
        return np.argsort(_mix(ids ^ salt), kind="stable")


def mixed(pool: Pool, mixture: Mixture, seed: int) -> tuple[Order, list[float]]:
    """The order, and how often each source is gone through. Raises NodeError for a source that is empty or would repeat too often.

    A document of source s stands at the share of that source's tokens that lies before its middle; documents are sorted by it.
    Every beginning of the order then has each source's share of the tokens, to within a document of each.
    """
    there = np.bincount(pool.sources, weights=pool.tokens, minlength=len(mixture.weights))
    total = mixture.tokens or int(there.sum())
    wanted = [weight * total for weight in mixture.weights]
    epochs = [_epochs(source, want, have, mixture) for source, (want, have) in enumerate(zip(wanted, there, strict=True))]
    parts = [_part(pool, source, want, seed) for source, want in enumerate(wanted)]
    order, place = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return order[np.argsort(place, kind="stable")], epochs


def _part(pool: Pool, source: int, wanted: float, seed: int) -> tuple[Order, npt.NDArray[np.float64]]:
    """The documents of one source, again and again in a new order until they have `wanted` tokens; and the place of each in 0..1."""
    own = np.flatnonzero(pool.sources == source)
    found, left, epoch = [], wanted, 0
    while left > 0:
        again = own[shuffled(pool.ids[own], seed, epoch)]
        before = np.cumsum(pool.tokens[again]) - pool.tokens[again]
        again = again[before < left]  # the last one may reach beyond the share
        found.append(again)
        left -= int(pool.tokens[again].sum())
        epoch += 1
    order = np.concatenate(found)
    ends = np.cumsum(pool.tokens[order])
    return order, (ends - pool.tokens[order] / 2) / ends[-1]


def _epochs(source: int, wanted: float, there: float, mixture: Mixture) -> float:
    if not there:
        message = f"{mixture.name(source)} has a weight, but nothing of it is left to train on"
        raise NodeError(message, hint="its training documents are none, or were dropped on their way: `ryot data preview` shows where")
    epochs = float(wanted / there)
    most = mixture.max_epochs or MOST_EPOCHS
    if epochs > most:
        message = f"{mixture.name(source)} has {there:,.0f} tokens and would be gone through {epochs:,.1f} times for its {wanted:,.0f}"
        raise NodeError(message, hint=f"at most {most:g} are allowed: lower data.tokens or its weight, or raise data.max_epochs")
    return epochs


def _mix(keys: Keys) -> Keys:
    """The finaliser of splitmix64 (Steele, Lea, Flood 2014): every bit of a key touches every bit of the result."""
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))
