"""`serve`: the exported model behind vLLM's OpenAI API on a loopback port. Light: nothing here imports the engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from ryot.plugins import Circumstance, Facts, Node, Resources, Service, Spec, StageConfig


class ServeConfig(StageConfig):
    """One live server. `kv_cache` is in bytes, `context` in tokens, `start_timeout` in seconds."""

    engine: Literal["vllm"] = "vllm"
    dtype: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    eager: bool = True
    max_concurrency: int = 32
    kv_cache: int = 1 << 30
    context: int
    threads: int | None = None
    start_timeout: Annotated[float, Circumstance] = 600.0


class ServeService(Service):
    """Starts one vLLM server and says where it listens, once a token came out of it."""

    name = "serve"
    version = 1
    Config = ServeConfig
    takes = "model"
    resources = Resources(cpus=0)
    work = "ryot.stages.serve.work:start"

    def expand(self, spec: Spec, facts: Facts) -> Iterable[Node]:
        """The node `serve`, where the spec has such a section."""
        if spec.serve is None:
            return ()
        config = ServeConfig(**spec.serve.model_dump(), context=spec.model.context)
        return (Node("serve", self.name, config, inputs={"model": "export"}, resources=self.resources),)
