"""From what the model said of each item to scores. Pure; every sum is exact, so that the same answers give the same digits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ryot.plugins import NodeError

Sample = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Choices:
    """Multiple choice: right ones of all, and what blind guessing would expect."""

    hits: int
    of: int
    chance: float


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Per document: negative log-likelihood in nats for a token, in bits for a byte. `perplexity` is per token, over all."""

    perplexity: float
    nats_per_token: tuple[float, ...]
    bits_per_byte: tuple[float, ...]
    tokens: int


def score_choices(samples: Sequence[Sample]) -> Choices:
    """A hit is an item whose right choice has the largest log-likelihood (the first of equals, as lm-eval's `acc`)."""
    hits, chance = 0, []
    for sample in samples:
        likelihoods = _floats(sample["loglikelihoods"])
        hits += likelihoods.index(max(likelihoods)) == sample["label"]
        chance.append(1 / len(likelihoods))
    return Choices(hits, len(samples), math.fsum(chance) / len(samples))


def score_likelihood(samples: Sequence[Sample]) -> Likelihood:
    """Every token of a document counts, the first one given the tokenizer's first token; an end-of-text token is not scored."""
    nats = [-value for sample in samples for value in _floats([sample["loglikelihood"]])]
    tokens = [_count(sample["tokens"]) for sample in samples]
    sizes = [_count(sample["bytes"]) for sample in samples]
    return Likelihood(
        perplexity=math.exp(math.fsum(nats) / sum(tokens)),
        nats_per_token=tuple(nat / count for nat, count in zip(nats, tokens, strict=True)),
        bits_per_byte=tuple(nat / math.log(2) / size for nat, size in zip(nats, sizes, strict=True)),
        tokens=sum(tokens),
    )


def _floats(values: object) -> list[float]:
    assert isinstance(values, list)
    if not values or not all(isinstance(value, float) and math.isfinite(value) and value <= 0 for value in values):
        raise NodeError(f"the server gave log-likelihoods that are none: {values}")
    return values


def _count(value: object) -> int:
    if not isinstance(value, int) or value < 1:
        raise NodeError(f"a document has {value} tokens or bytes; it cannot be scored")
    return value
