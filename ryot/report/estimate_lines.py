"""Estimates in words: one line for each thing a spec takes, and a row for each training. The same for every form of report."""

from __future__ import annotations

from collections.abc import Iterator

from ryot.estimate.estimates import Estimates, ServingEstimate, seconds_of, total_seconds, usd_of, usd_of_a_month
from ryot.estimate.platform import Platform
from ryot.spec.model import Model
from ryot.units import show, show_bytes, show_large, show_seconds


def estimate_lines(estimates: Estimates) -> Iterator[tuple[str, str]]:
    """Label and text of what a spec is and takes; what does not apply is left out."""
    params = estimates.params
    yield "model", f"{params.total:,} parameters, {params.trainable:,} of them trained{_as_described(estimates)}"
    if estimates.model.params is not None:
        yield "shape", _shape(estimates.model, params.total)
    if estimates.twin is not None:
        beside = estimates.twin.blocks + estimates.twin.norm
        yield "rehearsal", f"a twin of {estimates.twin.total:,} parameters first, {beside:,} of them beside embedding, head and positions"
    yield "hardware", _hardware(estimates.platform)
    yield "updates", _updates(estimates)
    if estimates.unreckoned:
        yield "left out", f"{' and '.join(estimates.unreckoned)}: time, memory and cost are not reckoned"
    if estimates.serving is not None:
        yield "serving", _serving(estimates.serving)
        if estimates.serving.tuning_s is not None:
            yield (
                "tuning",
                f"settings of the engine are tried first, for {show_seconds(estimates.serving.tuning_s)} at most, on two engines at once",
            )
        for name, floor in estimates.serving.floors.items():
            if floor.offered is not None:
                yield "load", f"bench.{name} offers {show(floor.offered.per_s, 'requests/s')} for {show_seconds(floor.offered.lasts_s)}"
        month = usd_of_a_month(estimates)
        if month is not None:
            yield "", f"${month:,.0f} a month{_rented(estimates.serving.platform)}"
    if estimates.dataset is not None:
        data = estimates.dataset
        parts = f"{show_large(data.text_bytes, 'B')} of text, {show_large(data.token_bytes, 'B')} as tokens"
        yield "data", f"{show_large(data.tokens, 'tokens')}: {parts}, {show_seconds(data.total_s)} to prepare"
        if data.tokens_read > data.tokens:
            yield "", f"the filters are reckoned to leave them of about {show_large(data.tokens_read, 'tokens')}"
        repeated = [f"{name} {value:.2f} times" for name, value in data.epochs.items() if value is not None and value > 1]
        if repeated:
            yield "", f"repeated: {', '.join(repeated)}"


def training_rows(estimates: Estimates) -> Iterator[tuple[str, ...]]:
    """For each training: its node, the time of an update, of all, memory on each device, cost, and what the time rests on."""
    for training in estimates.training:
        total = seconds_of(estimates, training.step_s)
        cost = usd_of(estimates, total)
        yield (
            training.node,
            "-" if training.step_s is None else show_seconds(training.step_s),
            "-" if total is None else show_seconds(total),
            show_bytes(training.memory.needed),
            show(cost, "usd"),
            training.basis if training.error is None else f"{training.basis}; such predictions were off by {training.error:.0%}",
        )

    if len(estimates.training) > 1:
        total = total_seconds(estimates)
        yield "both", "", "-" if total is None else show_seconds(total), "", show(usd_of(estimates, total), "usd"), ""


def _as_described(estimates: Estimates) -> str:
    params = estimates.params
    return f" (as described {params.described:,})" if params.described != params.total else ""


def _shape(model: Model, total: int) -> str:
    """What the size dial chose, beside what was asked for."""
    assert model.params is not None
    parts = [f"{model.hidden_size:,} wide", f"{model.layers} layers", f"{model.heads} heads", f"ffn {model.ffn_size:,}"]
    if model.kv_heads not in (None, model.heads):
        parts.insert(3, f"{model.kv_heads} kv heads")
    if model.attention_layers is not None:
        parts.append(f"attention in {', '.join(map(str, model.attention_layers))}")
    parts.append(f"vocabulary {model.vocab_size:,}, context {model.context:,}")
    return f"asked for {show_large(model.params)}, {total / model.params - 1:+.2%}: {', '.join(parts)}"


def _hardware(platform: Platform | None) -> str:
    if platform is None:
        return "this machine's accelerator is in no catalogue: describe it under hardware.catalogue.here"
    device = platform.device
    name = f"this machine: {device.source}" if platform.here else device.name
    many, each = (f"{platform.count} x ", " each") if platform.count > 1 else ("", "")
    spread = f", on {platform.machines} machines" if platform.machines > 1 else ""
    return f"{many}{name}, {show_bytes(device.memory)}{each}{spread}{_rented(platform)}"


def _rented(platform: Platform | None) -> str:
    if platform is None or platform.price is None:
        return ""
    price = platform.price
    times = f"{platform.instances} x " if platform.instances > 1 else ""
    kind = platform.purchase.replace("_", "-")
    return f", {times}{price.name} at ${price.hourly(platform.purchase):,.2f}/h {kind} ({price.dated:%Y-%m-%d})"


def _updates(estimates: Estimates) -> str:
    work = estimates.work
    flops = f"{show_large(work.flops.total, 'FLOP')} a token ({work.flops.attention / work.flops.forward:.0%} attention)"
    if work.updates is None:
        return f"unknown until the data are made; {work.tokens_per_update:,} tokens each, {flops}"
    return f"{work.updates:,} of {work.tokens_per_update:,} tokens, {show_large(work.tokens or 0, 'tokens')} in all, {flops}"


def _serving(serving: ServingEstimate) -> str:
    state = f" and {show_bytes(serving.state_per_sequence)} a sequence" if serving.state_per_sequence else ""
    many = "1 sequence" if serving.sequences == 1 else f"{serving.sequences:,} sequences"
    holds = f"{many} of full context at {show_bytes(serving.kv_per_token)} a token{state}"
    engines = f"{serving.engines} engines, each " if serving.engines > 1 else ""
    return f"{engines}{show_bytes(serving.weights)} of {serving.stored} weights, {show_bytes(serving.kv_cache)} of cache: {holds}"
