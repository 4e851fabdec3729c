"""What a server's engines are started with, by its settings."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ryot.plugins import serving_engine
from ryot.stages.serve.stage import ServeConfig, launch_of

HOST = "127.0.0.1"
_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|AUTH|HEADERS|KEY_ID)$", re.IGNORECASE)
"""How the names of environment variables end that hold a secret."""
_PASSWORD = re.compile(r"://[^/\s@]*@")


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the server runs: `device` as the plan names it (`cpu:... x2`), the cores this node may use."""

    device: str
    cpus: int

    @property
    def cuda(self) -> bool:
        """Whether the engine computes on a GPU."""
        return self.device.startswith("cuda")


def arguments(config: ServeConfig, machine: Machine, folder: Path, port: int, *, recurrent: bool = False, host: str = HOST) -> list[str]:
    """What follows the interpreter. `recurrent` says that some layers are Mamba mixers."""
    wanted = launch_of(config, machine.device, threads(config, machine), folder=folder, host=host, port=port, recurrent=recurrent)
    return serving_engine(config.engine).argv(wanted)


def environment(config: ServeConfig, machine: Machine, number: int = 0) -> Mapping[str, str]:
    """What is added to the environment of engine `number`, as this process's own is. Raises NodeError where there is no GPU for it. On a
    cluster's machine it is added there."""
    if config.ray:
        return {}
    gpus = tuple(filter(None, os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")))
    return serving_engine(config.engine).env(launch_of(config, machine.device, threads(config, machine), number=number, gpus=gpus))


def withheld() -> Mapping[str, str]:
    """The environment variables of secrets, emptied. An engine reads a local folder and listens on loopback, so it needs none; engines
    have printed theirs into logs (vllm PR#52523), and vLLM takes VLLM_API_KEY as an order to ask the gateway for it."""
    return {name: "" for name, value in os.environ.items() if _SECRET.search(name) or _PASSWORD.search(value)}


def dtype(config: ServeConfig, machine: Machine) -> str:
    """The arithmetic, as a user is told: on a CPU, auto is fp32, because AVX2 only emulates bf16 (a third of the speed)."""
    return "fp32" if config.dtype == "auto" and not machine.cuda else config.dtype


def threads(config: ServeConfig, machine: Machine) -> int:
    """Cores an engine computes with: by default its share of all but one, so that the gateway and the clients have one."""
    return config.threads or max((machine.cpus - 1) // config.replicas, 1)


def shown(argv: Sequence[str]) -> str:
    """The command line for the log."""
    return " ".join(argv)
