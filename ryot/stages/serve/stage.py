"""`serve`: the exported model on vLLM engines behind ryot's gateway. Light: nothing here imports the engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from ryot.plugins import Circumstance, Facts, Node, Resources, Service, Spec, StageConfig, StageContext
from ryot.stages.compress.stage import served_model


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


class ServeConfig(StageConfig):
    """A gateway and its engines. `kv_cache` (each engine's) is in bytes, `context` in tokens, `start_timeout` in seconds. `host` and `port`
    are the gateway's; with `keyed` it asks for the key in RYOT_API_KEY."""

    engine: Literal["vllm"] = "vllm"
    dtype: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    eager: bool = True
    max_concurrency: int = 32
    kv_cache: int = 1 << 30
    context: int
    threads: int | None = None
    replicas: int = 1
    gateway: GatewayConfig = GatewayConfig()
    start_timeout: Annotated[float, Circumstance] = 600.0
    host: Annotated[str, Circumstance] = "127.0.0.1"
    port: Annotated[int, Circumstance] = 0
    keyed: Annotated[bool, Circumstance] = False


class ServeService(Service):
    """Starts vLLM engines, and the gateway once a token came out of each; says where that listens."""

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
        inputs = {"model": served_model(spec, facts)}
        return (Node("serve", self.name, serve_config(spec), inputs=inputs, resources=self.resources),)


def serve_config(spec: Spec) -> ServeConfig:
    """The server of a spec that has one."""
    assert spec.serve is not None
    return ServeConfig(**spec.serve.model_dump(exclude={"weights"}), context=spec.model.context)
