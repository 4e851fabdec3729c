"""What the checks look at: the server as the spec has it, and beside it a gateway and an engine of this stage's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ryot.plugins import Endpoint, NodeError, StageContext
from ryot.stages.serve import command, front
from ryot.stages.serve.checkpoint import Checkpoint, read_checkpoint
from ryot.stages.serve.client import UNCACHED, Ask, once
from ryot.stages.serve.probe import samples
from ryot.stages.serve.stage import ServeConfig
from ryot.stages.serve.work import Engine, launch, ready
from ryot.stages.validation.stage import ValidationConfig

LONGEST_PROMPT = 32
MOST_WAITING = 64
"""Requests that may wait in the stage's own gateway, so that its queue can be filled."""


@dataclass
class Site:
    """The server under test. `prompts` are of the held-out documents; `fresh` ones were never asked before."""

    config: ValidationConfig
    context: StageContext
    endpoint: Endpoint
    prompts: list[list[int]]
    _random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.config.seed)

    @property
    def url(self) -> str:
        """Its gateway."""
        return self.endpoint.url

    @property
    def engines(self) -> list[str]:
        """The addresses of its engines."""
        return _texts(self.endpoint.info.get("engines"))

    @property
    def pids(self) -> list[int]:
        """Its processes: engines and gateway."""
        pids = self.endpoint.info.get("pids")
        return [int(pid) for pid in [*(pids if isinstance(pids, list) else []), self.endpoint.info.get("gateway_pid") or 0] if pid]

    @cached_property
    def machine(self) -> command.Machine:
        """Where engines run."""
        return command.Machine(self.context.device, self.context.cpus)

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """What is served."""
        return read_checkpoint(self.context.inputs["model"])

    @cached_property
    def one_more(self) -> ServeConfig:
        """The server with an engine more, which computes with as many cores as the others."""
        serve = self.config.serve
        return serve.model_copy(update={"replicas": len(self.engines) + 1, "threads": command.threads(serve, self.machine)})

    def fresh(self, count: int) -> list[list[int]]:
        """Prompts of random tokens, as long as the prompts of documents, so that no cache of prefixes answers."""
        length = len(self.prompts[0])
        return [[int(token) for token in row] for row in self._random.integers(3, self.config.vocab_size, (count, length))]

    def infer(self, *prompts: list[int]) -> Ask:
        """One engine step, past the cache."""
        return Ask("/infer", {"tokens": prompts, "batch_size": len(prompts)}, headers=UNCACHED)

    def completion(self, prompt: list[int], tokens: int) -> Ask:
        """So many tokens after a prompt, past the cache, with their ids."""
        fields = {"model": self.endpoint.model, "prompt": prompt, "max_tokens": tokens, "temperature": 0, "ignore_eos": True}
        return Ask("/v1/completions", fields | {"logprobs": 1, "return_tokens_as_token_ids": True}, headers=UNCACHED)


@dataclass
class Stand:
    """The gateway of this stage's own, before the spec's engines and, where `own` is not None, one more, which may be killed. `alone` says
    why there is none. The number of `own` among the engines is the last."""

    url: str
    gateway: front.Front
    engines: list[str]
    waiting: int
    own: Engine | None
    alone: str = ""


def build(site: Site) -> Stand:
    """Start it. Raises NodeError where the gateway does not come to listen."""
    own, alone = _another(site)
    engines = [*site.engines, *([own.url] if own else [])]
    waiting = min(site.config.serve.gateway.waiting, MOST_WAITING)
    told = front.settings(site.config.serve, site.checkpoint, engines) | {"waiting": waiting, "probe_every": 0.5}
    gateway = front.start(site.config.serve.model_copy(update={"host": "127.0.0.1", "port": 0, "keyed": False}), told, site.context)
    return Stand(gateway.url, gateway, engines, waiting, own, alone)


def _another(site: Site) -> tuple[Engine | None, str]:
    """One more engine like the spec's, or why there is none."""
    number = len(site.engines)
    many = site.config.serve.tensor_parallel
    if site.machine.cuda and (found := _gpus()) < (number + 1) * many:
        return None, f"another engine needs {many} more GPU{'s' if many > 1 else ''}; there {'is' if found == 1 else 'are'} {found}"
    site.context.say("starting one more engine, to be killed")
    try:
        return ready(launch(site.one_more, site.context, site.checkpoint, number), site.one_more, site.context, site.checkpoint), ""
    except NodeError as error:
        return None, f"another engine did not start: {error.message[:300]}"


def metrics(url: str) -> dict[str, float]:
    """The samples of /metrics by name and labels. Raises NodeError where there are none."""
    answer = once(url, Ask("/metrics", method="GET"))
    if answer.status != 200:
        raise NodeError(f"/metrics of {url} answered {answer.status or answer.body.decode(errors='replace')}")
    return samples(answer.body.decode())


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _gpus() -> int:
    import torch  # noqa: PLC0415 - a machine without GPUs is not asked

    return int(torch.cuda.device_count())
