"""From what the model said of each item to scores. Pure; every sum is exact, so that the same answers give the same digits."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import stdev

from ryot.plugins import NodeError

Sample = Mapping[str, object]
ANSWER = r"(?m)^A: (.*)$"
"""Where a written answer stands, as the generated examples have it: lm-eval looks for the first such line, and so do we."""
_VERIFICATION = re.compile(r"(?m)^Verification: .*\S")


@dataclass(frozen=True, slots=True)
class Choices:
    """Multiple choice: for each item the probability of the choice that the model takes, among those offered, and whether it is right, 1 or
    0; and what blind guessing would expect."""

    pairs: tuple[tuple[float, float], ...]
    chance: float

    @property
    def hits(self) -> int:
        """How many are right."""
        return sum(right == 1 for _, right in self.pairs)

    @property
    def of(self) -> int:
        """How many there are."""
        return len(self.pairs)


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Per document: negative log-likelihood in nats for a token, in bits for a byte. `perplexity` is per token, over all."""

    perplexity: float
    nats_per_token: tuple[float, ...]
    bits_per_byte: tuple[float, ...]
    tokens: int


def score_choices(samples: Sequence[Sample]) -> Choices:
    """A hit is an item whose right choice has the largest log-likelihood (the first of equals, as lm-eval's `acc`)."""
    pairs, chance = [], []
    for sample in samples:
        likelihoods = _floats(sample["loglikelihoods"])
        best = max(likelihoods)
        told = 1 / math.fsum(math.exp(likelihood - best) for likelihood in likelihoods)
        pairs.append((told, float(likelihoods.index(best) == sample["label"])))
        chance.append(1 / len(likelihoods))
    return Choices(tuple(pairs), math.fsum(chance) / len(samples))


@dataclass(frozen=True, slots=True)
class Written:
    """What the model wrote of each item: whether its answer is the right one, to the letter, and whether a verification follows."""

    right: tuple[bool, ...]
    verified: tuple[bool, ...]


def score_written(samples: Sequence[Sample]) -> Written:
    """The answer is the first line `A: ...`, blanks at its ends aside; none is a wrong one."""
    right, verified = [], []
    for sample in samples:
        text = str(sample["text"])
        found = re.findall(ANSWER, text)
        right.append(bool(found) and found[0].strip() == sample["answer"])
        verified.append(bool(_VERIFICATION.search(text)))
    return Written(tuple(right), tuple(verified))


def by_group(groups: Sequence[object], right: Iterable[float]) -> dict[str, dict[str, float]]:
    """Right ones, items, and their share, of each group in which there are items; of each item `groups` says in which it is, `right`
    whether it is right, 1 or 0."""
    found: dict[str, list[float]] = {}
    for group, one in zip(groups, right, strict=True):
        if group is not None:
            found.setdefault(str(group), []).append(one)
    return {name: {"hits": int(sum(of)), "items": len(of), "accuracy": sum(of) / len(of)} for name, of in sorted(found.items())}


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


@dataclass(frozen=True, slots=True)
class Items:
    """A benchmark's items: the score of each, and what blind guessing would expect."""

    values: tuple[float, ...]
    chance: float

    @property
    def mean(self) -> float:
        """The score."""
        return math.fsum(self.values) / len(self.values)

    @property
    def standard_error(self) -> float | None:
        """As lm-eval reckons it: the samples' standard deviation (n - 1) by the root of n. None for a single item."""
        n = len(self.values)
        return stdev(self.values) / math.sqrt(n) if n > 1 else None


def score_items(samples: Sequence[Sample], metric: str) -> Items:
    """The items' `metric`, as lm-eval found it. Raises NodeError for what is no share, and where a log-likelihood is none."""
    values: list[float] = []
    for sample in samples:
        if "loglikelihoods" in sample:
            _floats(sample["loglikelihoods"])
        scores = sample["scores"]
        assert isinstance(scores, Mapping)
        if not isinstance(value := scores[metric], float) or not 0 <= value <= 1:
            raise NodeError(f"lm-eval gave an item the score {value}, which is no share")
        values.append(value)
    return Items(tuple(values), math.fsum(_share(sample["chance"]) for sample in samples) / len(samples))


def score_words(samples: Sequence[Sample]) -> dict[str, float]:
    """lm-eval's three numbers of a text, over all articles: e to the negative log-likelihood of a word, of a byte; bits of a byte."""
    found: dict[str, tuple[float, float]] = {}
    for name in ("word_perplexity", "byte_perplexity"):
        pairs = [_pair(sample["scores"], name) for sample in samples]
        found[name] = math.fsum(-nats for nats, _ in pairs), math.fsum(count for _, count in pairs)
    perplexities = {name: math.exp(nats / count) for name, (nats, count) in found.items()}
    nats, size = found["byte_perplexity"]
    return {**perplexities, "bits_per_byte": nats / size / math.log(2)}


def _pair(scores: object, name: str) -> tuple[float, float]:
    assert isinstance(scores, Mapping)
    loglikelihood, count = scores[name]
    _floats([loglikelihood])
    return loglikelihood, count


def _share(value: object) -> float:
    assert isinstance(value, float)
    return value


def _floats(values: object) -> list[float]:
    assert isinstance(values, list)
    if not values or not all(isinstance(value, float) and math.isfinite(value) and value <= 0 for value in values):
        raise NodeError(f"the server gave log-likelihoods that are none: {values}")
    return values


def _count(value: object) -> int:
    if not isinstance(value, int) or value < 1:
        raise NodeError(f"a document has {value} tokens or bytes; it cannot be scored")
    return value
