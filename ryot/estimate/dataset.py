"""A large data set before it is fetched: how long each step takes, what it fills on disk, how often a source repeats, and the least loss
its entropy allows. Nothing is read."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ryot.spec.data import Data, Source
from ryot.spec.model import Model

SHORT_VOCABULARY = 1 << 16
"""Token ids up to this many fit two bytes; more need four."""


@dataclass(frozen=True, slots=True)
class DatasetEstimate:
    """Bytes and seconds of preparing `tokens` tokens to train on. `tokens_read` is the text that is fetched for them, before the filters;
    `epochs` says how often each source is gone through (None where the spec does not tell)."""

    tokens: int
    tokens_read: int
    text_bytes: float
    kept_bytes: float
    token_bytes: int
    download_s: float
    filter_s: float
    dedup_s: float
    tokenize_s: float
    formulas: Mapping[str, str]
    epochs: Mapping[str, float | None]

    def explained(self, claim: str) -> tuple[float, str]:
        """The value of a claim about data (`download_time`, `storage`, ...) in seconds or bytes, and how it came about."""
        values = {
            "download_time": self.download_s,
            "filter_time": self.filter_s,
            "dedup_time": self.dedup_s,
            "tokenize_time": self.tokenize_s,
            "tokens_storage": self.token_bytes,
            "storage": self.storage_bytes,
        }
        return values[claim], self.formulas[claim]

    @property
    def storage_bytes(self) -> float:
        """Text as downloaded and tokens; intermediate copies are not in it."""
        return self.text_bytes + self.token_bytes

    @property
    def total_s(self) -> float:
        """Seconds of all steps, one after another."""
        return self.download_s + self.filter_s + self.dedup_s + self.tokenize_s


def dataset_estimate(data: Data, model: Model) -> DatasetEstimate | None:
    """The preparation of `data.tokens` tokens to train on; None where the spec does not say how many.

    kept = tokens x bytes_per_token, text = kept / keep; token_bytes = tokens x (2 where the vocabulary fits 16 bits, else 4).
    download = text / rate of all workers; filter = text, dedup and tokenise = kept, each / (rate x workers).
    """
    if data.tokens is None:
        return None
    how = data.preparation
    kept = data.tokens * how.bytes_per_token
    text = kept / data.keep
    return DatasetEstimate(
        tokens=data.tokens,
        tokens_read=round(data.tokens / data.keep),
        text_bytes=text,
        kept_bytes=kept,
        token_bytes=data.tokens * token_width(model.vocab_size),
        download_s=text / how.download,
        filter_s=text / (how.filter * how.workers),
        dedup_s=kept / (how.dedup * how.workers),
        tokenize_s=kept / (how.tokenize * how.workers),
        formulas=_formulas(data, model),
        epochs=MappingProxyType(dict(zip(data.names, epochs(data), strict=True))),
    )


def token_width(vocab_size: int) -> int:
    """Bytes of a token id on disk: 2 up to 65,536 entries, else 4, as the tokenizer stage writes them."""
    return 2 if vocab_size <= SHORT_VOCABULARY else 4


def epochs(data: Data, tokens: float | None = None) -> tuple[float | None, ...]:
    """How often each source is gone through for `tokens` tokens (by default `data.tokens`): weight x tokens / its own. None where the
    spec lacks one of the three."""
    wanted = data.tokens if tokens is None else tokens
    return tuple(_epochs(source, wanted) for source in data.sources)


def entropy_floor(data: Data, model: Model) -> float | None:
    """The least loss in nats per token any model can reach: the sources' entropies, weighted by their shares (a mixture's cross-entropy
    is the mean over its parts; which part a token came from is taken as known). `uniform` is ln vocab_size. None unless every source has
    one, and their shares are known where they differ."""
    found = [_entropy(source, model) for source in data.sources]
    if any(nats is None for nats in found):
        return None
    known = [nats for nats in found if nats is not None]
    if len(set(known)) == 1:
        return known[0]
    shares = _shares(data.sources)
    return None if shares is None else sum(share * nats for share, nats in zip(shares, known, strict=True))


def _formulas(data: Data, model: Model) -> Mapping[str, str]:
    """How each number came about, with the spec's values."""
    how = data.preparation
    kept = f"{data.tokens or 0:,} tokens x {how.bytes_per_token:g} bytes"
    text = kept if data.keep == 1 else f"{kept} / {data.keep:g} kept"
    width = token_width(model.vocab_size)
    fits = f"a vocabulary of {model.vocab_size:,} {'fits' if width == 2 else 'does not fit'} 16 bits"

    def rate(bytes_per_s: float) -> str:
        return f"({bytes_per_s / 1e6:g} MB/s x {how.workers})"

    return MappingProxyType(
        {
            "download_time": f"{text} / {how.download / 1e6:g} MB/s of all workers",
            "filter_time": f"{text} / {rate(how.filter)}",
            "dedup_time": f"{kept} / {rate(how.dedup)}",
            "tokenize_time": f"{kept} / {rate(how.tokenize)}",
            "tokens_storage": f"{data.tokens or 0:,} tokens x {width} bytes: {fits}",
            "storage": f"{text} of text + {width} of token id: {fits}",
        }
    )


def _epochs(source: Source, tokens: float | None) -> float | None:
    return None if tokens is None or source.weight is None or source.tokens is None else source.weight * tokens / source.tokens


def _entropy(source: Source, model: Model) -> float | None:
    return math.log(model.vocab_size) if source.entropy == "uniform" else source.entropy


def _shares(sources: Sequence[Source]) -> list[float] | None:
    """Each source's share of the tokens: its weight, else by how many it has."""
    weights = [source.weight or source.tokens for source in sources]
    if any(weight is None for weight in weights):
        return None
    total = sum(weight for weight in weights if weight is not None)
    return [weight / total for weight in weights if weight is not None]
