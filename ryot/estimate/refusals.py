"""What a plan refuses, by name, unless the spec allows it with a reason. Pure: it reads estimates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ryot.estimate.dataset import epochs
from ryot.estimate.estimates import Estimates, ScenarioFloor, costs_of
from ryot.measures import Target
from ryot.spec import Spec
from ryot.spec.hardware import RefusalName
from ryot.units import show, show_bytes, show_seconds


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a plan cannot be carried out as it is written. `allowed` is the spec's reason for going past it."""

    name: RefusalName
    message: str
    hint: str
    allowed: str | None = None


def refusals(spec: Spec, estimates: Estimates) -> tuple[Refusal, ...]:
    """All that is refused, those that the spec allows marked."""
    found = (*_memory(spec, estimates), *_serving_memory(spec, estimates), *_floors(spec, estimates), *_training_speed(spec, estimates))
    found += (*_budget(spec, estimates), *_entropy(spec, estimates), *_repeats(spec, estimates), *_precision(spec, estimates))
    return tuple(Refusal(name, message, hint, spec.allow.get(name)) for name, message, hint in found)


_Reason = tuple[RefusalName, str, str]


def _memory(spec: Spec, estimates: Estimates) -> Iterator[_Reason]:
    platform = estimates.platform
    if platform is None:
        return
    worst = max(estimates.training, key=lambda training: training.memory.needed)
    has = platform.device.memory
    on_cpu = platform.device.kind == "cpu"
    ranks = spec.train.ranks_each
    needed = (worst.memory.needed + worst.memory.host) * ranks if on_cpu else worst.memory.needed
    together = _compared(spec, estimates) * (ranks if on_cpu else 1)
    if max(needed, together) > has:
        node, needed = ("compare", together) if together > needed else (worst.node, needed)
        message = f"{node} takes {show_bytes(needed)}"
        message += f" for its {ranks} ranks" if on_cpu and ranks > 1 else "" if on_cpu else " on each device"
        message += f" on each of {spec.train.machines} machines" if on_cpu and spec.train.machines > 1 else ""
        yield "memory", f"{message}; {platform.words} has {show_bytes(has)}", "`ryot plan --fit` proposes settings that fit"
    host = max(worst.memory.host, worst.memory.resume_host) * spec.train.ranks
    if not on_cpu and platform.host_memory is not None and host > platform.host_memory:
        message = f"{worst.node} keeps {show_bytes(host)} on its hosts (on a resume too), which have {show_bytes(platform.host_memory)}"
        yield "memory", message, "offload less, or name a larger instance"


def _compared(spec: Spec, estimates: Estimates) -> int:
    """Bytes that `compare` takes: both sides, and the stack without packing, live in one process and take turns. An ablation has more."""
    if spec.optimize is None:
        return 0
    *_, optimized = sides = [training.memory for training in estimates.training]
    sides += [optimized] if spec.optimize.compressor else []
    held = [side.weights + side.gradients + side.optimizer for side in sides]
    return sum(held) + max(side.needed - own for side, own in zip(sides, held, strict=True))


def _serving_memory(spec: Spec, estimates: Estimates) -> Iterator[_Reason]:
    serving = estimates.serving
    if serving is None or serving.platform is None:
        return
    has = serving.platform.device.memory * serving.platform.count
    if serving.at_once * serving.total > has:
        many = f"{serving.at_once} engines with " if serving.at_once > 1 else ""
        message = (
            f"{many}weights of {show_bytes(serving.weights)} and a cache of {show_bytes(serving.kv_cache)} do not fit {show_bytes(has)}"
        )
        fewer = "fewer serve.replicas, " if serving.engines > 1 else "no serve.autotune, " if serving.at_once > 1 else ""
        yield "serving_memory", message, f"{fewer}a smaller serve.kv_cache, a smaller serve.dtype, or another hardware.serve.device"
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
        least = floor.latency_s if target.name.startswith("latency_") else floor.first_token_s if target.name.startswith("ttft_") else 0.0
        if target.comparison in ("<", "<=") and target.bound < least:
            what = "no request can take less" if least == floor.latency_s else "no first token can come in less"
            yield (
                "latency",
                f"{target.written}: {what} than {show_seconds(least)}",
                f"{floor.formula}; ask for more, or serve on a faster device",
            )
        yield from _throughput(target, floor)


def _throughput(target: Target, floor: ScenarioFloor) -> Iterator[_Reason]:
    """More than the device can do, or than an open loop asks it to."""
    peak = {"tokens_per_s": floor.tokens_per_s, "requests_per_s": floor.requests_per_s, "goodput": floor.requests_per_s}.get(target.name)
    if peak is None or target.comparison not in (">", ">="):
        return
    unit = "tokens/s" if target.name == "tokens_per_s" else "requests/s"
    if target.bound > peak:
        message = f"{target.written}: the device's peak allows {show(peak, unit)}"
        yield "throughput", message, "ask for less, or serve on more or faster devices"
    elif floor.offered is not None and target.bound > (offered := floor.offered.most_per_s * peak / floor.requests_per_s):
        yield (
            "throughput",
            f"{target.written}: the scenario offers at most {show(offered, unit)}",
            "ask for less, or raise its arrivals.rate",
        )


def _training_speed(spec: Spec, estimates: Estimates) -> Iterator[_Reason]:
    """Targets of training throughput above what the whole peak allows: attention and recomputation are not even counted."""
    platform, flops = estimates.platform, estimates.work.flops
    if platform is None:
        return
    peak = platform.count * platform.device.flops(spec.train.precision) * platform.device.headroom
    most = peak / (3 * (flops.forward - flops.attention))
    for target in spec.targets:
        if target.node.startswith("train") and target.name == "tokens_per_s" and target.comparison in (">", ">=") and target.bound > most:
            message = f"{target.written}: the peak of {platform.words} allows {show(most, 'tokens/s')}"
            yield "throughput", message, "ask for less, or train on more or faster devices"


def _budget(spec: Spec, estimates: Estimates) -> Iterator[_Reason]:
    budget, costs = spec.hardware.budget, costs_of(estimates)
    for name, allowed, found in (
        ("training", budget.training, costs.training),
        ("monthly", budget.monthly, costs.month),
        ("first_year", budget.first_year, costs.total),
    ):
        if allowed is not None and found is not None and found > allowed:
            message = f"{name.replace('_', ' ')} costs ${found:,.0f}; hardware.budget.{name} is ${allowed:,.0f}"
            hint = "cheaper devices or a larger budget" if name == "monthly" else "fewer updates, cheaper devices, or a larger budget"
            yield "budget", message, hint


def _entropy(spec: Spec, estimates: Estimates) -> Iterator[_Reason]:
    """Losses and perplexities below what the data's entropy allows. The loss on what was seen before can fall below it: by heart."""
    for target in spec.targets:
        if target.comparison not in ("<", "<=", "=="):
            continue
        least = _least(target, spec, estimates.entropy or 0.0)
        if least is not None and (target.bound < least or (target.bound == least and target.comparison == "<")):
            message = f"{target.written}: on these data no model can get below {least:.2f} on average"
            yield "entropy", message, "uniform random tokens have ln vocab_size nats; other sources what data.sources.entropy says"


def _least(target: Target, spec: Spec, entropy: float) -> float | None:
    """What a measure of loss cannot fall below."""
    if target.node.startswith("train") and (target.name == "final_loss" or (target.name == "train_loss" and spec.train.epochs == 1)):
        return entropy
    if target.measure == "evaluate/nats_per_token":
        return entropy
    return math.exp(entropy) if target.measure == "evaluate/perplexity" else None


def _repeats(spec: Spec, estimates: Estimates) -> Iterator[_Reason]:
    most, tokens = spec.data.max_epochs, estimates.work.tokens
    if most is None:
        return
    if spec.train.epochs is not None and spec.train.epochs > most:
        message = f"train.epochs is {spec.train.epochs}; data.max_epochs is {most:g}"
        yield "repeats", message, "fewer epochs, or more data"
    wanted = max(tokens or 0, spec.data.tokens or 0) or None
    for name, times in zip(spec.data.names, epochs(spec.data, wanted), strict=True):
        if times is not None and times > most:
            message = f"{name} would be repeated {times:.2f} times; data.max_epochs is {most:g}"
            yield "repeats", message, "less weight for it, fewer tokens in all, or another source"


def _precision(spec: Spec, estimates: Estimates) -> Iterator[_Reason]:
    asked = [("train.precision", estimates.platform, spec.train.precision)]
    if estimates.serving is not None:
        asked.append(("serve.dtype", estimates.serving.platform, estimates.serving.dtype))
    for field, platform, precision in asked:
        if platform is not None and precision in platform.device.emulated:
            message = f"{field} is {precision}, which {platform.words} only emulates: up to 500 times slower than fp32"
            yield "precision", message, f"write {field}: fp32"
