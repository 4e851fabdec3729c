"""`bench.<scenario>`: load on the served model by Locust, in its own process. Light: importing Locust patches sockets."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict

from ryot.plugins import Addition, Circumstance, Facts, Measure, Node, Resources, Spec, SpecError, Stage, StageConfig, Target
from ryot.stages.bench.declared import DRIFTS, FIRST_TOKEN, FURTHER_TOKENS, MEASURES, OBJECTIVE, OF_GAIN, of_scaling, of_step
from ryot.stages.serve.stage import ServeConfig, serve_config, served_inputs
from ryot.stages.windows import WINDOWS, fitting


class Step(BaseModel):
    """One step of a ramp: `rate` in requests a second, for `lasts` seconds, which are so many `requests`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: float
    lasts: float
    requests: int


class Arrivals(BaseModel):
    """An open loop: `rate` in requests a second, or the steps of a `ramp`, or the times of the trace."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: float | None = None
    distribution: str = "poisson"
    max_in_flight: int = 2000
    replay: Annotated[bool, Addition] = False
    ramp: Annotated[tuple[Step, ...], Addition] = ()

    def step_of(self, number: int) -> int:
        """The step, counted from 0, to which the request with this number, counted without the warm-up, belongs."""
        return bisect_right(list(accumulate(step.requests for step in self.ramp)), number)


class Span(BaseModel):
    """A number of tokens, drawn for each request from `least` to `most`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    least: int
    most: int


class Think(BaseModel):
    """The pause of a client between an answer and its next request: `mean` in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: float
    distribution: str = "constant"


class Trace(BaseModel):
    """A file that tells the lengths of requests, known by its digest; each has to fit the `context`, in tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str
    context: int
    written: Annotated[str, Circumstance]
    """The path as the spec writes it."""
    path: Annotated[str, Circumstance]
    """Where it lies."""


class Objective(BaseModel):
    """Bounds of a good request, in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    latency: float | None = None
    ttft: float | None = None
    tpot: float | None = None


class Scaling(BaseModel):
    """The same load on so many `replicas` of a server, in `blocks` rounds of turns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    serve: ServeConfig
    replicas: tuple[int, ...]
    blocks: int


class Gain(BaseModel):
    """The same load before and after a change, in `blocks` rounds of turns: `batch` prompts in a request instead of one, a copy in other
    `weights` instead of the export, a `gpu` instead of the CPU, or a `kv_cache` instead of none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    serve: ServeConfig
    batch: int | None = None
    weights: Literal["int8", "fp8", "int4"] | None = None
    gpu: bool = False
    kv_cache: Annotated[bool, Addition] = False
    blocks: int


class FindMax(BaseModel):
    """A search for the highest load that meets `targets`: at most `steps` loads, none begun that would not end within `budget_s` seconds;
    each of `step_s` seconds and of `least_requests` at least; until the interval's ends are as 1 to 1 + `precision`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    targets: tuple[Target, ...]
    steps: int
    budget_s: float
    step_s: float = 10.0
    least_requests: int = 1
    precision: float = 0.1


class BenchConfig(StageConfig):
    """One scenario. `prompt_tokens` and `output_tokens` are for each of the `batch` prompts of a request; `timeout` in seconds.

    The prompts are drawn from `vocab_size` with `seed` and `scenario`, each anew, so that no cache of prefixes answers for the model.
    """

    scenario: str
    users: int = 1
    arrivals: Arrivals | None = None
    """Where given, requests start at times of their own, and `users` means nothing."""
    requests: int = 200
    batch: int = 1
    prompt_tokens: int | Span = 32
    output_tokens: int | Span = 1
    stream: bool = False
    slo: Objective | None = None
    warmup: int = 10
    timeout: float = 60.0
    vocab_size: int
    seed: int = 0
    think: Annotated[Think | None, Addition] = None
    trace: Annotated[Trace | None, Addition] = None
    """Where given, lengths are those of its lines, and `prompt_tokens` and `output_tokens` mean nothing."""
    duration: Annotated[float | None, Addition] = None
    """Seconds that users ask for, `requests` being the fewest then, or 0; of arrivals it is said in `requests` already."""
    generators: Annotated[int, Addition] = 1
    """Processes that share the requests out among them."""
    scaling: Annotated[Scaling | None, Addition] = None
    """Where given, the load is made on servers of the node's own, `users` and `requests` being those for each replica."""
    gain: Annotated[Gain | None, Addition] = None
    """Where given, the load is made before and after a change instead, on servers of the node's own."""
    scrape_every: Annotated[float, Circumstance] = 0.05
    """Seconds between looks at the server's queue."""
    find: Annotated[FindMax | None, Circumstance] = None
    """Search for the highest load instead, beginning with this one."""
    page: Annotated[bool, Circumstance] = False
    """Show Locust's page instead, and measure nothing."""


class BenchStage(Stage):
    """Loads the served model, in a closed loop or an open one, and keeps every request's raw sample."""

    name = "bench"
    version = 5
    Config = BenchConfig
    gives = "load"
    redraws = "seed"
    measures = MEASURES
    resources = Resources(cpus=0, measures_speed=True)
    work = "ryot.stages.bench.ways:run"

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """One node a scenario. Raises SpecError when prompt and answer do not fit the context."""
        if spec.bench is None:
            return
        for name, scenario in spec.bench.scenarios.items():
            _refuse_long(spec, name)
            lengths = {field: _length(getattr(scenario, field)) for field in ("prompt_tokens", "output_tokens")}
            trace = None if scenario.trace is None else _trace(scenario.trace, spec, facts)
            more: dict[str, Any] = {
                "users": scenario.users or 1,
                "trace": trace,
                "requests": scenario.planned,
                "arrivals": _arrivals(scenario.arrivals),
                "scaling": scenario.scaling and Scaling(serve=serve_config(spec), **scenario.scaling.model_dump()),
                "gain": scenario.gain and Gain(serve=serve_config(spec), **scenario.gain.model_dump()),
            }
            fields = scenario.model_dump(exclude=set(more)) | lengths | more
            config = BenchConfig(scenario=name, vocab_size=spec.model.vocab_size, **fields)
            own = config.scaling or config.gain
            inputs, services = (_served(name, spec), {}) if own else ({}, {"serve": "serve"})
            yield Node(f"bench.{name}", self.name, config, inputs, services, self.resources, measures_of(config), samples_of(config))


def _served(name: str, spec: Spec) -> dict[str, str]:
    """What a scenario reads that starts its own servers. Raises SpecError for a change that the spec's server cannot have."""
    assert spec.bench is not None
    assert spec.serve is not None
    inputs, gain = served_inputs(spec), spec.bench.scenarios[name].gain
    if gain and gain.batch and gain.batch > spec.serve.max_concurrency:
        message = (
            f"bench.scenarios.{name}.gain.batch is {gain.batch}, and the server generates {spec.serve.max_concurrency} sequences at once"
        )
        raise SpecError(message, hint="raise serve.max_concurrency, or lower it")
    if gain and gain.weights:
        if gain.weights not in (spec.compress.schemes if spec.compress else ()):
            message = f"bench.scenarios.{name}.gain.weights: {gain.weights} is no copy that `compress` makes"
            raise SpecError(message, hint=f"write `compress: {{{gain.weights}: {{}}}}`")
        inputs |= {"model": "export", "candidate": f"compress.{gain.weights}"}
    return inputs


def _refuse_long(spec: Spec, name: str) -> None:
    """Raise SpecError where the longest prompt with the longest answer does not fit. What a trace asks for is seen when it is read."""
    assert spec.bench is not None
    scenario = spec.bench.scenarios[name]
    prompt, output = scenario.prompt_tokens.most, scenario.output_tokens.most
    if scenario.trace is None and prompt + output > spec.model.context:
        raise SpecError(
            f"bench.scenarios.{name}: {prompt} prompt and {output} output tokens do not fit model.context, {spec.model.context}",
            hint="lower prompt_tokens or output_tokens",
        )


def _arrivals(written: Any) -> Arrivals | None:
    if written is None:
        return None
    ramp = [Step(rate=step.rate, lasts=step.lasts, requests=step.requests) for step in written.ramp or ()]
    return Arrivals(**written.model_dump(exclude={"ramp"}), ramp=tuple(ramp))


def _length(written: Any) -> int | Span:
    return Span(least=written.least, most=written.most) if written.one is None else int(written.one)


def _trace(written: str, spec: Spec, facts: Facts) -> Trace:
    if written not in facts.digests:
        raise SpecError(f"bench.scenarios: there is no file {written!r}")
    return Trace(digest=facts.digests[written], context=spec.model.context, written=written, path=facts.paths.get(written, written))


def output_span(config: BenchConfig) -> Span:
    """The fewest and the most tokens that an answer may have."""
    if config.trace is not None:
        return Span(least=1, most=config.trace.context)
    plain = config.output_tokens
    return plain if isinstance(plain, Span) else Span(least=plain, most=plain)


def measures_of(config: BenchConfig) -> tuple[Measure, ...]:
    """What a scenario measures: times of tokens only where they are streamed, of further ones only where there are any; where some answers
    may have none, it may turn out that no answer had."""
    if config.scaling:
        return of_scaling(config.scaling.replicas)
    if config.gain:
        return OF_GAIN
    answers = output_span(config)
    first = FIRST_TOKEN if config.stream else ()
    further = FURTHER_TOKENS if config.stream and answers.most > 1 else ()
    if answers.least == 1:
        further = tuple(measure.model_copy(update={"optional": True}) for measure in further)
    drifts = DRIFTS if config.duration else ()
    ramp = config.arrivals.ramp if config.arrivals else ()
    # Of a ramp the second half has another rate than the first.
    always = (measure for measure in MEASURES if measure.name != "degradation") if ramp else MEASURES
    steps = (found for number, step in enumerate(ramp, 1) for found in of_step(number, step.rate, step.lasts, slo=config.slo is not None))
    return (*always, *first, *further, *(OBJECTIVE if config.slo else ()), *drifts, *steps)


def samples_of(config: BenchConfig) -> dict[str, int]:
    """How many samples of each measure a scenario takes, at least, as far as that is known. Looks depend on how long the load lasts,
    requests of users who ask for a time on the server, windows of requests that come by themselves on how many are there at once, and how
    many answers have a second token on what is drawn."""
    if config.scaling:
        return {measure.name: config.scaling.blocks for measure in measures_of(config) if measure.kind != "exact"}
    if config.gain:
        return {measure.name: config.gain.blocks for measure in OF_GAIN}
    windows = fitting(config.requests // (2 * config.users))
    rates = dict.fromkeys(("tokens_per_s", "requests_per_s", "goodput"), windows)
    known = rates | {"degradation": windows // 2} if config.requests and not config.arrivals else {}
    if config.requests >= WINDOWS:
        known["latency_drift"] = WINDOWS // 2
    unknown = {measure.name for measure in FURTHER_TOKENS} if output_span(config).least == 1 else set()
    by_request = [measure.name for measure in measures_of(config) if measure.sample == "request" and measure.name not in unknown]
    found = dict.fromkeys(by_request, config.requests) if config.requests else {}
    for number, step in enumerate(config.arrivals.ramp if config.arrivals else (), 1):
        found |= {name: step.requests for name in by_request if name.startswith(f"step{number}_")}
    return found | {measure.name: known[measure.name] for measure in measures_of(config) if measure.name in known}
