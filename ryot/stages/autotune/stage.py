"""`autotune`: engine settings tried beside each other under the spec's loads, before the server that uses the best of them. Light half."""

from __future__ import annotations

from collections.abc import Iterable

from ryot.plugins import Facts, Measure, Node, Resources, Spec, SpecError, Stage, StageConfig, serving_engine
from ryot.stages.compress.stage import served_model
from ryot.stages.serve.settings import Setting
from ryot.stages.serve.stage import ServeConfig, launch_of, serve_config

MEASURES = (
    Measure(
        name="time_reduction",
        kind="ratio",
        form="reduction",
        unit="proportion",
        about="time that the chosen settings save against the spec's, in turns, with new requests once the choice was made; none where the "
        "spec's settings stay",
        sample="pair",
        optional=True,
    ),
    Measure(name="tried", kind="exact", about="settings that were tried beside the best until then"),
)


class LoadConfig(StageConfig):
    """A load in a closed loop: so many clients, prompts in a request, tokens of each prompt and of each answer."""

    name: str
    users: int = 1
    batch: int = 1
    prompt_tokens: int = 32
    output_tokens: int = 16


class AutotuneConfig(StageConfig):
    """The server to begin with, what may be changed, and the loads that count alike. `budget` in seconds; `rounds` pairs of a candidate and
    the best so far; what does not save `gain` of the time, by its lower bound, is not taken."""

    serve: ServeConfig
    tries: tuple[Setting, ...]
    loads: tuple[LoadConfig, ...]
    vocab_size: int
    budget: float = 900.0
    rounds: int = 8
    gain: float = 0.03
    seed: int = 0


class AutotuneStage(Stage):
    """Tries engine settings within a budget of time; the choice is a file that the server reads."""

    name = "autotune"
    version = 1
    Config = AutotuneConfig
    takes = "model"
    gives = "settings"
    measures = MEASURES
    resources = Resources(cpus=0, measures_speed=True)
    work = "ryot.stages.autotune.work:run"

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """The node `autotune`, where `serve.autotune` is there."""
        section = spec.serve.autotune if spec.serve else None
        if section is None:
            return ()
        serve = serve_config(spec)
        fields = section.model_dump() | {"tries": _tries(section.tries, serve, facts)}
        config = AutotuneConfig(serve=serve, loads=_loads(spec), vocab_size=spec.model.vocab_size, seed=spec.data.seed, **fields)
        taken = {"time_reduction": config.rounds}
        return (Node("autotune", self.name, config, {"model": served_model(spec)}, {}, self.resources, self.measures, taken),)


_BY_DEFAULT: tuple[Setting, ...] = ("threads", "in_process", "eager", "max_concurrency", "kv_cache")
_SWITCHES: dict[Setting, object] = {"in_process": False, "eager": False, "speculative": 4}
"""Settings that an engine may not have, and a value that asks for them."""


def _tries(wanted: tuple[Setting, ...] | None, serve: ServeConfig, facts: Facts) -> tuple[Setting, ...]:
    """What is named, or what the engine has of the usual. Raises SpecError for what is named and the engine has not."""
    reasons = {}
    for name in wanted or _BY_DEFAULT:
        changed = serve.model_copy(update={name: _SWITCHES[name]}) if name in _SWITCHES else serve
        reasons[name] = serving_engine(serve.engine).refusal(launch_of(changed, facts.device, 1))
    refused = {name: reason for name, reason in reasons.items() if reason}
    if wanted and refused:
        name, reason = next(iter(refused.items()))
        raise SpecError(f"serve.autotune.tries: {name} cannot be tried: {reason}", hint=f"leave {name} out")
    return tuple(name for name in reasons if name not in refused)


def _loads(spec: Spec) -> tuple[LoadConfig, ...]:
    """Those of the spec's scenarios, each once, an open loop as many clients as the server generates for at once, ranges of lengths by
    their middle; without any but of traces, which only their node reads, the usual."""
    most = spec.serve.max_concurrency if spec.serve else 1
    if spec.bench is None:
        return _usual(spec, most)
    found: dict[tuple[int, ...], LoadConfig] = {}
    for name, scenario in spec.bench.scenarios.items():
        lengths = {"prompt_tokens": scenario.prompt_tokens.middle, "output_tokens": scenario.output_tokens.middle}
        fields = {"users": most if scenario.arrivals else scenario.users or 1, "batch": scenario.batch, **lengths}
        if scenario.trace is None:
            found.setdefault(tuple(fields.values()), LoadConfig(name=name, **fields))
    return tuple(found.values()) or _usual(spec, most)


def _usual(spec: Spec, most: int) -> tuple[LoadConfig, ...]:
    """One client, and as many as the server generates for at once."""
    context = spec.model.context
    tokens = {"prompt_tokens": min(32, context // 2), "output_tokens": min(16, context - context // 2)}
    return LoadConfig(name="single", **tokens), LoadConfig(name="full", users=most, **tokens)
