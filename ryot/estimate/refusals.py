"""What a plan refuses, by name, unless the spec allows it with a reason; and what it only warns of. Pure: it reads estimates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ryot.estimate.estimates import Estimates, total_seconds, usd_of, usd_of_a_month
from ryot.estimate.references import best_published
from ryot.measures import Target
from ryot.spec import Spec
from ryot.spec.hardware import RefusalName
from ryot.units import show, show_bytes, show_seconds

COMPUTE_OPTIMAL = 20
"""Tokens to a parameter that make the most of a budget (Hoffmann et al. 2022, table 3)."""
FAR = 5.0
"""A warning begins at so many times more, or fewer, than that."""
FAR_ABOVE = 0.05
"""An accuracy so much above the best published one of that size is far above it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a plan cannot be carried out as it is written. `allowed` is the spec's reason for going past it."""

    name: RefusalName
    message: str
    hint: str
    allowed: str | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is likely not to come out as hoped, with the reference it is held against."""

    message: str
    reference: str


def refusals(spec: Spec, estimates: Estimates) -> tuple[Refusal, ...]:
    """All that is refused, those that the spec allows marked."""
    found = (*_memory(spec, estimates), *_serving_memory(spec, estimates), *_floors(spec, estimates), *_budget(spec, estimates))
    found += (*_entropy(spec, estimates), *_repeats(spec, estimates), *_precision(spec, estimates))
    return tuple(Refusal(name, message, hint, spec.allow.get(name)) for name, message, hint in found)


def doubts(spec: Spec, estimates: Estimates) -> tuple[Doubt, ...]:
    """All that is doubtful."""
    return (*_compute_optimal(estimates), *_unheard_of(spec, estimates))


_Reason = tuple[RefusalName, str, str]


def _memory(spec: Spec, estimates: Estimates) -> Iterator[_Reason]:
    platform = estimates.platform
    if platform is None:
        return
    worst = max(estimates.training, key=lambda training: training.memory.needed)
    has = platform.device.memory
    shared = spec.train.ranks if platform.device.kind == "cpu" else 1
    needed = worst.memory.needed * shared
    if needed > has:
        who = (
            f"its {shared} ranks share this machine" if shared > 1 else "this machine" if platform.here else f"each {platform.device.name}"
        )
        message = f"{worst.node} takes {show_bytes(needed)}; {who} has {show_bytes(has)}"
        yield "memory", message, "`ryot plan --fit` proposes settings that fit"
    host = platform.host_memory
    if host is not None and worst.memory.host > host:
        message = f"{worst.node} offloads {show_bytes(worst.memory.host)} to hosts that have {show_bytes(host)}"
        yield "memory", message, "offload less, or name a larger instance"


def _serving_memory(spec: Spec, estimates: Estimates) -> Iterator[_Reason]:
    serving = estimates.serving
    if serving is None or serving.platform is None:
        return
    has = serving.platform.device.memory * serving.platform.count
    if serving.total > has:
        message = f"weights of {show_bytes(serving.weights)} and a cache of {show_bytes(serving.kv_cache)} do not fit {show_bytes(has)}"
        yield "serving_memory", message, "a smaller serve.kv_cache, a smaller serve.dtype, or another hardware.serve.device"
    elif serving.sequences < 1:
        message = f"serve.kv_cache of {show_bytes(serving.kv_cache)} holds not one sequence of {spec.model.context:,} tokens"
        yield "serving_memory", message, f"a sequence takes {show_bytes(serving.bytes_per_sequence)}"


def _floors(spec: Spec, estimates: Estimates) -> Iterator[_Reason]:
    """Targets of latency below what the device's peak allows, and of throughput above it."""
    if estimates.serving is None:
        return
    for target in spec.targets:
        floor = estimates.serving.floors.get(target.node.removeprefix("bench."))
        if floor is None:
            continue
        if target.name.startswith("latency_") and target.comparison in ("<", "<=") and target.bound < floor.latency_s:
            message = f"{target.written}: no request can take less than {show_seconds(floor.latency_s)}"
            yield "latency", message, f"{floor.formula}; ask for more, or serve on a faster device"
        most = floor.tokens_per_s if target.name == "tokens_per_s" else floor.requests_per_s if target.name == "requests_per_s" else None
        if most is not None and target.comparison in (">", ">=") and target.bound > most:
            unit = target.name.replace("_per_", "/")
            message = f"{target.written}: the device's peak allows {show(most, unit)}"
            yield "throughput", message, "ask for less, or serve on more or faster devices"


def _budget(spec: Spec, estimates: Estimates) -> Iterator[_Reason]:
    budget, training, month = spec.hardware.budget, usd_of(estimates, total_seconds(estimates)), usd_of_a_month(estimates)
    year = None if training is None or month is None else training + 12 * month
    for name, allowed, found in (
        ("training", budget.training, training),
        ("monthly", budget.monthly, month),
        ("first_year", budget.first_year, year),
    ):
        if allowed is not None and found is not None and found > allowed:
            message = f"{name.replace('_', ' ')} costs ${found:,.0f}; hardware.budget.{name} is ${allowed:,.0f}"
            yield "budget", message, "fewer updates, cheaper devices, or a larger budget"


def _entropy(spec: Spec, estimates: Estimates) -> Iterator[_Reason]:
    floor = estimates.entropy
    if floor is None:
        return
    for target in spec.targets:
        if target.node.startswith("train") and target.name.endswith("loss") and target.comparison in ("<", "<=") and target.bound < floor:
            message = f"{target.written}: on these data no model can get below {floor:.2f} nats a token on average"
            yield "entropy", message, "uniform random tokens have ln vocab_size; other sources what data.sources.entropy says"


def _repeats(spec: Spec, estimates: Estimates) -> Iterator[_Reason]:
    most = spec.data.max_epochs
    for name, epochs in estimates.dataset.epochs.items() if estimates.dataset else ():
        if most is not None and epochs is not None and epochs > most:
            message = f"{name} would be repeated {epochs:.2f} times; data.max_epochs is {most:g}"
            yield "repeats", message, "less weight for it, fewer tokens in all, or another source"


def _precision(spec: Spec, estimates: Estimates) -> Iterator[_Reason]:
    asked = [("train.precision", estimates.platform, spec.train.precision)]
    if estimates.serving is not None:
        asked.append(("serve.dtype", estimates.serving.platform, estimates.serving.dtype))
    for field, platform, precision in asked:
        if platform is not None and precision in platform.device.emulated:
            message = f"{field} is {precision}, which {platform.device.name} only emulates: up to 500 times slower than fp32"
            yield "precision", message, f"write {field}: fp32"


def _compute_optimal(estimates: Estimates) -> Iterator[Doubt]:
    tokens = estimates.work.tokens
    if tokens is None:
        return
    ratio = tokens / estimates.params.trainable
    if ratio > COMPUTE_OPTIMAL * FAR or ratio < COMPUTE_OPTIMAL / FAR:
        few = (
            "few: a smaller model would learn more"
            if ratio < COMPUTE_OPTIMAL
            else "many: good for a small model to be served, dear to train"
        )
        message = f"{show(ratio, '')} tokens to a parameter are {few}; {COMPUTE_OPTIMAL} make the most of the compute"
        yield Doubt(message, "Hoffmann et al. 2022")


def _unheard_of(spec: Spec, estimates: Estimates) -> Iterator[Doubt]:
    for target in spec.targets:
        if target.node == "evaluate" and target.comparison in (">", ">="):
            yield from _above_published(target, estimates)


def _above_published(target: Target, estimates: Estimates) -> Iterator[Doubt]:
    """Held against the best published model of at most twice the size."""
    best = best_published(target.name.split(".")[0], estimates.params.described, estimates.work.tokens)
    if best is not None and target.bound > best.score + FAR_ABOVE:
        who = (
            "the best published model of about that size" if best.comparable else "the nearest published model, larger or trained on more,"
        )
        message = f"{target.written}: {who} has {best.score * 100:.1f} % ({best.model})"
        yield Doubt(message, best.source)
