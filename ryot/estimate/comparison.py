"""Two models, or two specs, side by side: the same figures of both, with factors. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ryot.estimate.estimates import Estimates, costs_of, total_seconds
from ryot.estimate.flops import flops_per_token
from ryot.estimate.parameters import count_parameters
from ryot.estimate.serving_memory import kv_bytes_per_token, state_bytes_per_sequence, weights_bytes
from ryot.spec.model import Model


@dataclass(frozen=True, slots=True)
class Subject:
    """What is compared: a model, and where it comes from a spec, that spec's estimates."""

    name: str
    model: Model
    estimates: Estimates | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of both, in `unit`; None where it is not known, or does not apply."""

    label: str
    unit: str
    first: float | None
    second: float | None

    @property
    def factor(self) -> float | None:
        """The second over the first."""
        return None if not self.first or self.second is None else self.second / self.first


def compare(first: Subject, second: Subject) -> tuple[Figure, ...]:
    """All figures that at least one of the two has."""
    found = zip(_figures(first), _figures(second), strict=True)
    rows = (Figure(label, unit, one, other) for (label, unit, one), (_, _, other) in found)
    return tuple(row for row in rows if row.first or row.second)


def _figures(subject: Subject) -> Iterator[tuple[str, str, float | None]]:
    model = subject.model
    params, flops = count_parameters(model), flops_per_token(model, model.context)
    yield "parameters", "", params.total
    yield "as described", "", params.described if params.described != params.total else None
    yield "trained", "", params.trainable
    yield "vocabulary", "", model.vocab_size
    yield "width", "", model.hidden_size
    yield "layers", "", model.layers
    yield "with attention", "", model.attention_count
    yield "heads", "", model.heads
    yield "key-value heads", "", model.kv_heads or model.heads
    yield "feed-forward", "", model.ffn_size
    yield "context", "tokens", model.context
    yield "weights, fp32", "bytes", weights_bytes(params.total, "fp32")
    yield "weights, bf16", "bytes", weights_bytes(params.total, "bf16")
    yield "forward, a token at full context", "MFLOP", flops.forward / 1e6
    yield "of it attention", "MFLOP", flops.attention / 1e6
    yield "cache a token, bf16", "bytes", kv_bytes_per_token(model, "bf16")
    yield "state a sequence, bf16", "bytes", state_bytes_per_sequence(model, "bf16")
    yield from _spec_figures(subject.estimates)


def _spec_figures(found: Estimates | None) -> Iterator[tuple[str, str, float | None]]:
    """What only a spec has."""
    yield "updates", "", found.work.updates if found else None
    yield "tokens trained on", "tokens", found.work.tokens if found else None
    yield "memory of a device in training", "bytes", max(item.memory.needed for item in found.training) if found else None
    yield "training time", "s", total_seconds(found) if found else None
    yield "training cost", "usd", costs_of(found).training if found else None
    yield "serving, a month", "usd", costs_of(found).month if found else None
