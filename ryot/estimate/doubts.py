"""What is likely not to come out as hoped: it stops nothing. Pure: it reads estimates and predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ryot.estimate.calibration import AS_STATED, Prediction
from ryot.estimate.estimates import Estimates, costs_of, generated, total_seconds
from ryot.estimate.platform import Platform
from ryot.estimate.references import SIZE_ROOM, TOKENS_ROOM, best_published
from ryot.measures import Target, meets
from ryot.spec import Spec
from ryot.spec.size import count
from ryot.spec.twin import twin
from ryot.units import show, show_large, show_seconds

COMPUTE_OPTIMAL = 20
"""Tokens to a parameter that make the most of a budget (Hoffmann et al. 2022, table 3)."""
FAR = 5.0
"""A doubt begins at so many times more, or fewer, than that."""
FAR_ABOVE = 0.05
"""An accuracy so much above the best published one of that size is far above it."""
REPEATED = 4
"""Passes over the same text up to which repetition teaches nearly as much as new text (Muennighoff et al. 2023)."""

LONG_S = 3600.0
"""Seconds of training from which a rehearsal is worth its minutes."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is likely not to come out as hoped, with the reference it is held against."""

    message: str
    reference: str


def doubts(spec: Spec, estimates: Estimates, predictions: Mapping[str, Prediction], text_bytes: int | None = None) -> tuple[Doubt, ...]:
    """All that is doubtful. `text_bytes`: the size of the local texts, where all sources are such."""
    return (
        *(doubt for target in spec.targets for doubt in _predicted(target, predictions.get(target.measure))),
        *_compute_optimal(estimates),
        *_repeated(spec, estimates, text_bytes),
        *_large_batch(spec, estimates),
        *_few_documents(spec),
        *(doubt for target in spec.targets for doubt in _above_published(target, estimates)),
        *_unchecked_budget(spec, estimates),
        *_idle(estimates),
        *_overloaded(estimates),
        *_unpinned(spec),
        *_unrehearsed(spec, estimates),
    )


def _predicted(target: Target, prediction: Prediction | None) -> Iterator[Doubt]:
    """A target that the plan's own prediction misses."""
    if prediction is not None and not meets(prediction.value, target.comparison, target.bound):
        past = "" if prediction.error is None else f"; such predictions were off by {prediction.error:.0%}"
        reference = "the plan's own estimate" if prediction.basis == AS_STATED else f"corrected by {prediction.basis}{past}"
        yield Doubt(f"{target.written}: predicted is {show(prediction.value, prediction.unit)}", reference)


def _compute_optimal(estimates: Estimates) -> Iterator[Doubt]:
    tokens = estimates.work.tokens
    if tokens is None:
        return
    ratio = tokens / estimates.params.trainable
    if ratio > COMPUTE_OPTIMAL * FAR or ratio < COMPUTE_OPTIMAL / FAR:
        few = ratio < COMPUTE_OPTIMAL
        word = "few: a smaller model would learn more from them" if few else "many: dear to train, though cheap to serve"
        many = f"{ratio:.3g} tokens to a parameter" if ratio >= 1 else f"a token to {1 / ratio:,.0f} parameters"
        yield Doubt(f"{many}: that is {word}; {COMPUTE_OPTIMAL} to one make the most of the compute", "Hoffmann et al. 2022")


def _repeated(spec: Spec, estimates: Estimates, text_bytes: int | None) -> Iterator[Doubt]:
    """How often training goes through what there is: counted in documents where they are known, else in tokens of the text's size."""
    work = estimates.work
    if work.updates is None:
        return
    if work.documents is not None:
        passes = work.updates * min(spec.train.global_batch, work.documents) / max(work.documents, 1)
    elif text_bytes and work.tokens is not None:
        passes = work.tokens / (text_bytes / spec.data.preparation.bytes_per_token)
    elif estimates.dataset is not None and work.tokens is not None:
        passes = work.tokens / max(estimates.dataset.tokens, 1)
    else:
        return
    if passes > REPEATED:
        many = f"{passes:,.0f}" if passes >= 100 else f"{passes:.3g}"
        source = f" ({show_large(text_bytes, 'B')} of text)" if text_bytes else ""
        yield Doubt(
            f"training goes through the same data{source} {many} times; after {REPEATED} little is learnt", "Muennighoff et al. 2023"
        )


def _large_batch(spec: Spec, estimates: Estimates) -> Iterator[Doubt]:
    """An update that asks for more documents than an epoch has."""
    documents = estimates.work.documents
    if documents is not None and spec.train.global_batch > documents:
        yield Doubt(
            f"an update asks for {spec.train.global_batch:,} documents and an epoch has {documents:,}: every update is a whole epoch",
            "train.batch_size x accumulation x ranks",
        )


def _few_documents(spec: Spec) -> Iterator[Doubt]:
    """More samples than the training split is likely to have: each document is held out or not by its own digest."""
    likely = generated(spec)
    if spec.train.samples is None or likely is None or spec.data.tokenizer.long != "cut":
        return
    if spec.train.samples > likely:
        yield Doubt(
            f"train.samples is {spec.train.samples:,}, and about {likely:,} documents are left to train on: training would not begin",
            "data.held_out, data.test",
        )


def _unpinned(spec: Spec) -> Iterator[Doubt]:
    """Hub sources whose content may change under the same spec: its key would not tell."""
    unpinned = [source.hub for source in spec.data.sources if source.hub is not None and source.revision is None]
    if unpinned:
        yield Doubt(
            f"{', '.join(unpinned)}: no revision, so another run may read other text; documents.json says which commit was read",
            "data.sources.revision",
        )


def _overloaded(estimates: Estimates) -> Iterator[Doubt]:
    """Open loops that ask for more than the device's peak: the queue grows as long as they last."""
    for name, floor in estimates.serving.floors.items() if estimates.serving else ():
        if floor.offered is not None and floor.offered.per_s > floor.requests_per_s:
            yield Doubt(
                f"bench.{name} offers {show(floor.offered.per_s, 'requests/s')}, and the device's peak allows "
                f"{show(floor.requests_per_s, 'requests/s')}: latencies would tell how long the load was, not how fast the server is",
                floor.formula,
            )


def _unrehearsed(spec: Spec, estimates: Estimates) -> Iterator[Doubt]:
    """A long training that nothing was tried for."""
    seconds = total_seconds(estimates)
    if spec.rehearse is None and seconds is not None and seconds > LONG_S:
        small = show_large(count(twin(spec.model)).total)
        yield Doubt(
            f"training takes {show_seconds(seconds)} and nothing was tried before: `rehearse: {{}}` trains, resumes, exports and serves a "
            f"twin of {small} parameters first",
            "rehearse",
        )


def _above_published(target: Target, estimates: Estimates) -> Iterator[Doubt]:
    """Accuracies held against the best published model of at most SIZE_ROOM times the size and TOKENS_ROOM times the tokens."""
    if target.node != "evaluate" or target.comparison not in (">", ">="):
        return
    best = best_published(target.name.split(".")[0], estimates.params.described, estimates.work.tokens)
    if best is not None and target.bound > best.score + FAR_ABOVE:
        limits = f"at most {SIZE_ROOM:g} times the size and {TOKENS_ROOM:g} times the tokens"
        who = f"the best published model of {limits}" if best.comparable else "the nearest published model, larger or trained on more,"
        yield Doubt(f"{target.written}: {who} has {best.score * 100:.1f} % ({best.model})", best.source)


def _unchecked_budget(spec: Spec, estimates: Estimates) -> Iterator[Doubt]:
    """A budget that nothing can be held against."""
    budget, costs = spec.hardware.budget, costs_of(estimates)
    for name, found in (("training", costs.training), ("monthly", costs.month), ("first_year", costs.total)):
        if getattr(budget, name) is not None and found is None:
            yield Doubt(f"hardware.budget.{name} cannot be checked: a price or the number of updates is not known", "hardware.prices")


def _idle(estimates: Estimates) -> Iterator[Doubt]:
    """Devices that are paid for and not used."""
    serving = estimates.serving.platform if estimates.serving else None
    for use, platform in (("training", estimates.platform), ("serving", serving)):
        if platform is not None and _unused(platform):
            assert platform.price is not None
            rented = platform.instances * platform.price.devices
            yield Doubt(
                f"{use} uses {platform.count} of the {rented} devices that are paid for", f"{platform.instances} x {platform.price.name}"
            )


def _unused(platform: Platform) -> bool:
    return platform.price is not None and platform.instances * platform.price.devices > platform.count
