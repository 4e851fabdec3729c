"""The server's command line and environment, as pure functions of its settings. Loopback only, no telemetry, nothing from the hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ryot.stages.serve.stage import ServeConfig

HOST = "127.0.0.1"
MODEL = "model"
"""The name the model is served under."""
MODULE = ("-m", "vllm.entrypoints.openai.api_server")
_DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


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
    """What follows the interpreter: `-m vllm... --model ...`. `recurrent` says that some layers are Mamba mixers: on a CPU vLLM 0.32 dies
    of an IndexError where their states would be kept for a prefix that comes again, so no prefix is."""
    argv = [*MODULE, "--model", str(folder), "--served-model-name", MODEL, "--host", host, "--port", str(port)]
    argv += ["--dtype", dtype(config, machine), "--max-model-len", str(config.context), "--max-num-seqs", str(config.max_concurrency)]
    argv += ["--kv-cache-memory-bytes", str(config.kv_cache), "--distributed-executor-backend", "uni", "--seed", "0"]
    argv += ["--disable-uvicorn-access-log", "--generation-config", "vllm"]
    if recurrent and not machine.cuda:
        argv.append("--no-enable-prefix-caching")
    return [*argv, "--enforce-eager"] if config.eager else argv


def dtype(config: ServeConfig, machine: Machine) -> str:
    """The engine's name of the arithmetic: on a CPU, auto is float32, because AVX2 only emulates bf16 (a third of the speed)."""
    if config.dtype == "auto":
        return "auto" if machine.cuda else "float32"
    return _DTYPES[config.dtype]


def threads(config: ServeConfig, machine: Machine) -> int:
    """Cores an engine computes with: by default its share of all but one, so that the gateway and the clients have one."""
    return config.threads or max((machine.cpus - 1) // config.replicas, 1)


def environment(config: ServeConfig, machine: Machine, number: int = 0) -> dict[str, str]:
    """What is added to the environment of engine `number`; on GPUs each of several has its own. Without V1_MULTIPROCESSING the CPU engine
    computes in the scheduler's own process: one process fewer to start (15 s on two cores), and no copy through shared memory at each step.
    """
    env = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_DO_NOT_TRACK": "1", "DO_NOT_TRACK": "1"}
    if machine.cuda:
        return env | ({"CUDA_VISIBLE_DEVICES": str(number)} if config.replicas > 1 else {})
    count = str(threads(config, machine))
    return env | {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "OMP_NUM_THREADS": count, "VLLM_CPU_OMP_THREADS_BIND": "nobind"}


def shown(argv: Sequence[str]) -> str:
    """The command line for the log."""
    return " ".join(argv)
