"""`serve`: the exported model on engines behind ryot's gateway. Light: nothing here imports the engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from ryot.plugins import (
    Addition,
    Circumstance,
    Facts,
    Launch,
    Node,
    Resources,
    Service,
    Spec,
    SpecError,
    StageConfig,
    StageContext,
    serving_engine,
)
from ryot.stages.compress.stage import served_model

MODEL = "model"
"""The name the model is served under."""

LAUNCHED = (
    "dtype", "context", "max_concurrency", "kv_cache", "eager", "in_process", "speculative", "replicas", "tensor_parallel", "cached",
)  # fmt: skip
"""The settings that an engine is started with as they stand here."""


class GatewayConfig(StageConfig):
    """The gateway, as `serve.gateway` in a spec; seconds and bytes."""

    waiting: int = 256
    deadline: float = 10.0
    timeout: float = 600.0
    cache: int = 64 << 20
    cache_ttl: float = 300.0
    breaker_errors: int = 5
    breaker_cooldown: float = 2.0
    retries: float = 0.1


class Up(StageConfig):
    """Where a server listens that another program has started, the model's name, and what else it said."""

    url: str
    model: str
    info: dict[str, Any]


class ServeConfig(StageConfig):
    """A gateway and its engines. `kv_cache` (each engine's) is in bytes, `context` in tokens, `start_timeout` in seconds. `host` and `port`
    are the gateway's; with `keyed` it asks for the key in RYOT_API_KEY. One that is `up` already is only told of. With `cluster` engines
    run on machines of the Ray cluster at `ray`: which one that is changes nothing, that a network lies between does."""

    engine: str = "vllm"
    dtype: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    eager: bool = True
    in_process: bool = True
    max_concurrency: int = 32
    speculative: int = 0
    kv_cache: int = 1 << 30
    context: int
    threads: int | None = None
    replicas: int = 1
    tensor_parallel: int = 1
    cached: Annotated[bool, Addition] = True
    """Off only where what a cache of keys and values is worth is measured; no spec has it."""
    cluster: bool = False
    ray: Annotated[str | None, Circumstance] = None
    gateway: GatewayConfig = GatewayConfig()
    start_timeout: Annotated[float, Circumstance] = 600.0
    host: Annotated[str, Circumstance] = "127.0.0.1"
    port: Annotated[int, Circumstance] = 0
    keyed: Annotated[bool, Circumstance] = False
    up: Annotated[Up | None, Circumstance] = None


class ServeService(Service):
    """Starts engines, and the gateway once a token came out of each; says where that listens."""

    name = "serve"
    version = 2
    Config = ServeConfig
    takes = "model"
    resources = Resources(cpus=0)
    work = "ryot.stages.serve.work:start"

    def revive(self, config: ServeConfig, context: StageContext, number: int) -> bool:
        """Start an engine again, on its old port."""
        from ryot.stages.serve.work import revive  # noqa: PLC0415 - the heavy half

        return revive(config, context, number)

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """The node `serve`, where the spec has such a section."""
        if spec.serve is None:
            return ()
        config = serve_config(spec)
        _refuse_vague(spec, facts)
        refuse(config, spec.serve.weights, facts)
        _refuse_uneven(spec, config.tensor_parallel)
        return (Node("serve", self.name, config, inputs=served_inputs(spec), resources=self.resources),)


def served_inputs(spec: Spec) -> dict[str, str]:
    """The nodes whose results make a server: the model, and the settings where they are chosen. Raises SpecError."""
    assert spec.serve is not None
    return {"model": served_model(spec)} | ({"settings": "autotune"} if spec.serve.autotune else {})


def serve_config(spec: Spec) -> ServeConfig:
    """The server of a spec that has one."""
    assert spec.serve is not None
    fields = spec.serve.model_dump(exclude={"weights", "autotune"})
    return ServeConfig(**fields, context=spec.model.context, cluster=spec.serve.ray is not None)


def refuse(config: ServeConfig, weights: Literal["int8", "fp8", "int4"] | None, facts: Facts) -> None:
    """Raise SpecError for an engine that is not there, or cannot do what is asked of it on this machine."""
    wanted = launch_of(config, facts.device, config.threads or 1, weights=weights)
    if reason := serving_engine(config.engine).refusal(wanted):
        raise SpecError(f"serve.{reason}", hint="change it, or another serve.engine")


def _refuse_vague(spec: Spec, facts: Facts) -> None:
    """Raise SpecError where engines on a cluster's machines would take as many cores as this machine has."""
    serve = spec.serve
    assert serve is not None
    if serve.ray and serve.autotune:
        raise SpecError("serve.autotune tries settings on this machine, and serve.ray runs the engines on others", hint="leave one out")
    if serve.ray and serve.threads is None and not facts.device.startswith("cuda"):
        raise SpecError("serve.ray: how many cores of a machine an engine takes is not said", hint="write serve.threads")


def _refuse_uneven(spec: Spec, many: int) -> None:
    """Raise SpecError where the heads cannot be shared out evenly: vLLM gives each GPU as many, and repeats those of keys and values."""
    heads, kv_heads = spec.model.heads, spec.model.kv_heads or spec.model.heads
    if heads % many or (kv_heads % many and many % kv_heads):
        raise SpecError(
            f"serve.tensor_parallel: {many} GPUs cannot share {heads} heads ({kv_heads} of keys and values) evenly",
            hint="take a number that divides them",
        )


def launch_of(config: ServeConfig, device: str, threads: int, **more: Any) -> Launch:
    """What an engine of this server is started for; `more` are further fields of Launch."""
    return Launch(**config.model_dump(include=set(LAUNCHED)), model=MODEL, device=device, threads=threads, **more)
