"""Everything a plan reckons about a spec, put together: what it is, what it takes to train, to serve and to prepare, and what it costs.

Pure: the machine, and what earlier nodes already found out, are arguments. A number the spec does not determine is None, never a guess.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ryot.estimate.cost import FirstYear, month_cost, training_cost
from ryot.estimate.dataset import DatasetEstimate, dataset_estimate, entropy_floor
from ryot.estimate.flops import flops_per_token
from ryot.estimate.latency import Load, Work, floors, throughput_ceiling
from ryot.estimate.parameters import Parameters, count_parameters, hidden_matrices
from ryot.estimate.platform import Platform, serving_platform, training_platform
from ryot.estimate.processor import Here
from ryot.estimate.serving_memory import (
    Stored,
    bytes_read,
    kv_bytes_per_token,
    max_concurrency,
    saved_bytes,
    state_bytes_per_sequence,
    weights_bytes,
)
from ryot.estimate.time import training_time
from ryot.estimate.training import TrainingEstimate, TrainingWork, kernels, training_estimate
from ryot.spec import Spec
from ryot.spec.hardware import Precision
from ryot.spec.model import Model
from ryot.spec.serve import Scenario
from ryot.spec.twin import twin


@dataclass(frozen=True, slots=True)
class Offered:
    """What an open loop asks of a server: requests a second, how many those can become by chance (five standard deviations of a Poisson
    process), and the seconds that it lasts, its warm-up with it."""

    per_s: float
    most_per_s: float
    lasts_s: float


@dataclass(frozen=True, slots=True)
class ScenarioFloor:
    """What a load scenario cannot beat: seconds of a request and to its first token, tokens and requests a second at the device's peak; and
    how that came about. Of an open loop, also what it offers."""

    latency_s: float
    first_token_s: float
    tokens_per_s: float
    requests_per_s: float
    formula: str
    offered: Offered | None = None


@dataclass(frozen=True, slots=True)
class ServingEstimate:
    """The server: the type it computes in, and that of the blocks' matrices; bytes of weights and of the cache, of keys and values a
    token, of state per sequence, and of a sequence of full context; how many of those the cache holds; floors by scenario. All of one
    engine, of which there are `engines`; `tuning_s` is how long settings are tried first, at most, which takes two."""

    platform: Platform | None
    dtype: Precision
    stored: Stored
    weights: int
    kv_cache: int
    kv_per_token: int
    state_per_sequence: int
    bytes_per_sequence: int
    sequences: int
    floors: Mapping[str, ScenarioFloor]
    engines: int = 1
    tuning_s: float | None = None

    @property
    def at_once(self) -> int:
        """Engines that are up together, at most."""
        return max(self.engines, 1 if self.tuning_s is None else 2)

    @property
    def total(self) -> int:
        """Weights and cache."""
        return self.weights + self.kv_cache


@dataclass(frozen=True, slots=True)
class Estimates:
    """All of it. `twin` is what a rehearsal trains first, None without one. `platform` is what is trained on, None where this machine's
    device is in no catalogue. `entropy` is the least loss in nats a token that the data allow. `unreckoned` are the nodes whose time,
    memory and cost are in none of it. `counted`: the documents of the training split were counted, and are not what the spec promises."""

    model: Model
    params: Parameters
    platform: Platform | None
    work: TrainingWork
    training: tuple[TrainingEstimate, ...]
    serving: ServingEstimate | None
    dataset: DatasetEstimate | None
    entropy: float | None
    twin: Parameters | None
    hours_per_month: float
    unreckoned: tuple[str, ...] = ()
    counted: bool = False


def estimate(spec: Spec, here: Here, documents: int | None = None) -> Estimates:
    """The estimates of a spec on this machine, or on the devices it names. `documents` in the training split, once that is known.

    Raises SpecError for a device or an instance that nobody knows.
    """
    params = count_parameters(spec.model)
    platform = training_platform(spec.hardware, here, spec.train.ranks, spec.train.precision, spec.train.machines)
    work = _work(spec, documents)
    return Estimates(
        model=spec.model,
        params=params,
        platform=platform,
        work=work,
        training=tuple(training_estimate(spec, here, node, params, platform, work) for node in kernels(spec)),
        serving=_serving(spec, here, params) if spec.serve else None,
        dataset=dataset_estimate(spec.data, spec.model),
        entropy=entropy_floor(spec.data, spec.model),
        twin=count_parameters(twin(spec.model)) if spec.rehearse else None,
        hours_per_month=spec.hardware.serve.hours_per_month,
        counted=documents is not None,
        unreckoned=tuple(name for name in ("sweep", "finetune", "align") if getattr(spec, name) is not None),
    )


def seconds_of(estimates: Estimates, step_s: float | None) -> float | None:
    """The time of one training at `step_s` an update; None where either is not known."""
    return None if step_s is None or estimates.work.updates is None else training_time(step_s, estimates.work.updates)


def total_seconds(estimates: Estimates) -> float | None:
    """The time of all training nodes, one after another; None where one is not known."""
    times = [seconds_of(estimates, training.step_s) for training in estimates.training]
    return None if any(time is None for time in times) else math.fsum(time for time in times if time is not None)


def usd_of(estimates: Estimates, seconds: float | None) -> float | None:
    """What a training of so many seconds costs; None without a price."""
    return None if seconds is None or estimates.platform is None else training_cost(estimates.platform, seconds)


def usd_of_a_month(estimates: Estimates) -> float | None:
    """What a month of serving costs; None without a price."""
    serving = estimates.serving
    return None if serving is None or serving.platform is None else month_cost(serving.platform, estimates.hours_per_month)


def costs_of(estimates: Estimates) -> FirstYear:
    """What all training, a month of serving and the first year of both cost."""
    return FirstYear(usd_of(estimates, total_seconds(estimates)), usd_of_a_month(estimates))


def _work(spec: Spec, documents: int | None) -> TrainingWork:
    train = spec.train
    documents = generated(spec) if documents is None else documents
    used = documents if train.samples is None else train.samples
    updates = train.steps
    if updates is None and used is not None and train.epochs is not None:
        updates = train.epochs * math.ceil(used / train.global_batch)
    sequence = train.sequence or spec.model.context
    return TrainingWork(
        documents=used,
        sequence=sequence,
        tokens_per_update=min(train.global_batch, used or train.global_batch) * sequence,
        updates=updates,
        flops=flops_per_token(spec.model, sequence, train.recompute),
    )


def generated(spec: Spec) -> int | None:
    """The documents of the training split to expect where all are generated: each is held out or not by its own digest."""
    made = [source.makes for source in spec.data.sources]
    return None if None in made else round(sum(count or 0 for count in made) * (1 - spec.data.held_out - spec.data.test))


def _serving(spec: Spec, here: Here, params: Parameters) -> ServingEstimate:
    assert spec.serve is not None
    platform = serving_platform(spec.hardware, here)
    stored: Precision = spec.export.dtype if spec.export else "fp32"
    on_cpu = platform is not None and platform.device.kind == "cpu"
    dtype: Precision = spec.serve.dtype if spec.serve.dtype != "auto" else "fp32" if on_cpu else stored
    cache = spec.serve.kv_cache * spec.serve.tensor_parallel
    held = max_concurrency(spec.model, cache, dtype, platform.device.kind if platform else "cuda")
    scenarios = spec.bench.scenarios if spec.bench else {}
    return ServingEstimate(
        platform=platform,
        dtype=dtype,
        stored=spec.serve.weights or dtype,
        weights=weights_bytes(params.total, dtype) - _saved(spec, dtype),
        kv_cache=cache,
        kv_per_token=kv_bytes_per_token(spec.model, dtype),
        state_per_sequence=state_bytes_per_sequence(spec.model, dtype),
        bytes_per_sequence=held.bytes_per_sequence,
        sequences=math.floor(held.sequences),
        floors={
            name: _floor(spec, scenario, platform, params, dtype)
            for name, scenario in scenarios.items()
            if platform and scenario.uniform and not (scenario.scaling or scenario.gain)
        },
        engines=1 if spec.serve.ray else spec.serve.replicas,
        tuning_s=spec.serve.autotune.budget if spec.serve.autotune else None,
    )


def _saved(spec: Spec, dtype: Precision) -> int:
    """Bytes of weights that the copy of `serve.weights` takes less than the export."""
    return saved_bytes(hidden_matrices(spec.model), dtype, spec.serve.weights if spec.serve else None)


def _floor(spec: Spec, scenario: Scenario, platform: Platform, params: Parameters, dtype: Precision) -> ScenarioFloor:
    model = spec.model
    assert spec.serve is not None
    flops = flops_per_token(model, 1)
    head = 2.0 * model.vocab_size * model.hidden_size
    work = Work(
        weights=bytes_read(params.trainable, params.embedding, dtype, tied=model.tied) - _saved(spec, dtype),
        kv=kv_bytes_per_token(model, dtype),
        state=state_bytes_per_sequence(model, dtype),
        # Decoding has no chunks to scan. What devices do in 8 bits is in no catalogue: only the bandwidth bounds it.
        body=0.0 if spec.serve.weights in ("int8", "fp8") else flops.forward - flops.attention - flops.scan - head,
        head=head,
        attention=float(flops.attention),
    )
    prompt, output = scenario.prompt_tokens.least, scenario.output_tokens.least
    request = floors(work, Load(prompt, output, scenario.batch), platform, dtype)
    arrivals = scenario.arrivals
    at_once = scenario.batch * (arrivals.max_in_flight if arrivals else scenario.users or 1)
    together = Load(prompt, output, min(at_once, spec.serve.max_concurrency))
    most = throughput_ceiling(work, together, platform, dtype)
    further = request.request - request.first_token
    bound = request.first_bound if request.first_token >= further else request.further_bound
    formula = f"{prompt} + {output} tokens x {scenario.batch}, bound by {bound} at the peak of {platform.words}"
    requests = most / (output * scenario.batch)
    return ScenarioFloor(request.request, request.first_token, most, requests, formula, _offered(scenario))


def _offered(scenario: Scenario) -> Offered | None:
    arrivals = scenario.arrivals
    if arrivals is not None and arrivals.ramp:
        lasts_s = math.fsum(step.lasts for step in arrivals.ramp)
        rate = scenario.planned / lasts_s
        return Offered(rate, rate, scenario.warmup / arrivals.ramp[0].rate + lasts_s)
    if arrivals is None or arrivals.rate is None:  # what a trace offers is in the trace
        return None
    scatter = 5 / math.sqrt(scenario.planned) if arrivals.distribution == "poisson" else 0.0
    return Offered(arrivals.rate, arrivals.rate * (1 + scatter), (scenario.warmup + scenario.planned) / arrivals.rate)
