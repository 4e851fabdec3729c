"""The audit of what the author believes: each claim beside what arithmetic finds. A refuted claim is shown and changes no exit code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ryot.estimate.cost import MONTHS
from ryot.estimate.estimates import Estimates, costs_of, total_seconds
from ryot.estimate.parameters import count_parameters
from ryot.estimate.platform import Platform
from ryot.estimate.serving_memory import BYTES
from ryot.spec import Spec
from ryot.spec.model import Model
from ryot.units import show_large, show_seconds

TOLERANCE = 0.05
"""Claims are rounded: two digits, as in 1.1M, leave up to 4.8 % of the claim open. What is further off is another number."""
ASSUMED = 0.25
"""Times and costs rest on an assumed share of the peak; within a quarter they agree."""
POINT = 0.01
"""Shares agree within one percentage point."""


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """One claim, in `unit`: what was claimed, what was computed (None where the spec does not say enough), whether they agree within
    the tolerance of such claims (None where nothing was computed), and how the latter came about."""

    claim: str
    claimed: float
    computed: float | None
    ok: bool | None
    formula: str
    unit: str = ""

    @property
    def factor(self) -> float | None:
        """Computed over claimed; None for a claim of nothing and where nothing was computed."""
        return self.computed / self.claimed if self.claimed and self.computed is not None else None

    @property
    def word(self) -> str:
        """What the audit says of it."""
        return "not computable" if self.ok is None else "holds" if self.ok else "REFUTED"


@dataclass(frozen=True, slots=True)
class _Found:
    """A computed number (None when the spec does not say enough) and how it came about; an absolute `within` instead of a relative one."""

    value: float | None
    formula: str
    unit: str = ""
    tolerance: float = TOLERANCE
    absolute: bool = False
    also: float | None = None
    """Another number that is as true: that of the model as it is built."""


def audit(spec: Spec, estimates: Estimates) -> tuple[ClaimRow, ...]:
    """A row for each claim that the spec makes, in the order of the section's fields."""
    rows = []
    for name, find in _AUDITS.items():
        claimed = getattr(spec.claims, name)
        if claimed is not None:
            rows.append(_row(name, claimed.factor if name == "scale" else claimed, find(spec, estimates)))
    return tuple(rows)


def _row(name: str, claimed: float, found: _Found) -> ClaimRow:
    if found.value is None:
        return ClaimRow(name, claimed, None, None, found.formula, found.unit)
    allowed = found.tolerance if found.absolute else found.tolerance * claimed
    value = found.value
    if found.also is not None and abs(found.also - claimed) < abs(value - claimed):
        value = found.also if abs(found.also - claimed) <= allowed else value
    return ClaimRow(name, claimed, value, abs(value - claimed) <= allowed, found.formula, found.unit)


def _parameters(_spec: Spec, estimates: Estimates) -> _Found:
    """The claim is held against all parameters as the model is described, the frozen ones included: loaders and papers count so."""
    found = estimates.params
    notes = [f"{found.trainable:,} of them trainable"] if found.frozen else []
    notes += [f"as built, with a feed-forward network after every mixer, {found.total:,}"] if found.described != found.total else []
    return _Found(found.described, "; ".join([f"{found.described_formula} with {found.symbols}", *notes]), also=found.total)


def _scale(spec: Spec, estimates: Estimates) -> _Found:
    claim = spec.claims.scale
    assert claim is not None
    other = count_parameters(Model.model_validate({"preset": claim.over})).described
    formula = f"{estimates.params.described:,} / {other:,} parameters of {claim.over}"
    return _Found(estimates.params.described / other, formula, "x")


def _weights(spec: Spec, estimates: Estimates) -> _Found:
    dtype = spec.export.dtype if spec.export else "fp32"
    formula = f"{estimates.params.described:,} parameters x {BYTES[dtype]:g} bytes ({dtype})"
    if estimates.params.total != estimates.params.described:
        formula += f"; as built {estimates.params.total:,}"
    return _Found(estimates.params.described * BYTES[dtype], formula, "bytes", also=estimates.params.total * BYTES[dtype])


def _mamba_share(spec: Spec, _estimates: Estimates) -> _Found:
    layers, attention = spec.model.layers, spec.model.attention_count
    share = (layers - attention) / layers
    return _Found(share, f"{layers - attention} of {layers} layers, as placed", "proportion", POINT, absolute=True)


def _updates(spec: Spec, estimates: Estimates) -> _Found:
    train = spec.train
    if train.steps is not None:
        return _Found(train.steps, "train.steps")
    documents = train.samples or estimates.work.documents
    if documents is None:
        return _Found(None, "the number of documents is known once the data are made")
    if train.samples is None and not estimates.counted and spec.data.tokenizer.long == "split":
        return _Found(None, "documents longer than the context are split; their number is known once they are tokens")
    exact = (train.epochs or 0) * documents / train.global_batch
    formula = (
        f"{train.epochs} epochs x {documents:,} samples / {train.global_batch} in an update = {exact:,.4g}; an epoch's last may be smaller"
    )
    return _Found(estimates.work.updates, formula, tolerance=0)


def _training_tokens(spec: Spec, estimates: Estimates) -> _Found:
    work = estimates.work
    formula = f"{_count(work.updates)} updates x {spec.train.global_batch} sequences x {work.sequence:,} tokens"
    return _Found(work.tokens, formula)


def _training_time(_spec: Spec, estimates: Estimates) -> _Found:
    return _Found(total_seconds(estimates), _time_words(estimates), "s", ASSUMED)


def _training_cost(_spec: Spec, estimates: Estimates) -> _Found:
    return _Found(costs_of(estimates).training, f"{_time_words(estimates)}; {_price_words(estimates.platform)}", "usd", ASSUMED)


def _monthly_cost(_spec: Spec, estimates: Estimates) -> _Found:
    platform = estimates.serving.platform if estimates.serving else None
    return _Found(costs_of(estimates).month, f"{estimates.hours_per_month:g} h; {_price_words(platform)}", "usd")


def _first_year_cost(_spec: Spec, estimates: Estimates) -> _Found:
    costs = costs_of(estimates)
    return _Found(costs.total, f"training {_usd(costs.training)} + {MONTHS} months of {_usd(costs.month)}", "usd", ASSUMED)


def _time_words(estimates: Estimates) -> str:
    last, work = estimates.training[-1], estimates.work
    if last.step_s is None or work.updates is None:
        return "neither the device's speed nor the number of updates may be missing"
    trainings = f"{len(estimates.training)} trainings of " if len(estimates.training) > 1 else ""
    step = f"{work.tokens_per_update:,} tokens x {show_large(work.flops.total, 'FLOP')}, {last.basis}"
    return f"{trainings}{work.updates:,} updates x {show_seconds(last.step_s)}: {step}"


def _price_words(platform: Platform | None) -> str:
    if platform is None or platform.price is None:
        return "no price is known"
    price = platform.price
    return f"{platform.instances} x {price.name} at ${price.hourly(platform.purchase):g}/h {platform.purchase} ({price.dated:%Y-%m-%d})"


def _usd(value: float | None) -> str:
    return "?" if value is None else f"${value:,.0f}"


def _of_data(name: str, unit: str) -> Callable[[Spec, Estimates], _Found]:
    def find(_spec: Spec, estimates: Estimates) -> _Found:
        if estimates.dataset is None:
            return _Found(None, "say how much there is: data.tokens", unit)
        value, formula = estimates.dataset.explained(name)
        return _Found(value, formula, unit, ASSUMED if unit == "s" else TOLERANCE)

    return find


_AUDITS: Mapping[str, Callable[[Spec, Estimates], _Found]] = MappingProxyType(
    {
        "params": _parameters,
        "scale": _scale,
        "weights": _weights,
        "mamba_share": _mamba_share,
        "updates": _updates,
        "training_tokens": _training_tokens,
        "training_time": _training_time,
        "training_cost": _training_cost,
        "monthly_cost": _monthly_cost,
        "first_year_cost": _first_year_cost,
        **{name: _of_data(name, "s") for name in ("download_time", "filter_time", "dedup_time", "tokenize_time")},
        **{name: _of_data(name, "bytes") for name in ("tokens_storage", "storage")},
    }
)


def _count(value: float | None) -> str:
    return "?" if value is None else f"{value:,.0f}"
