"""transformers as a serving engine, by a server of ryot's own, for machines on which vLLM cannot be installed."""

from __future__ import annotations

from collections.abc import Mapping

from ryot.plugins import Launch
from ryot.stages import lean


class TransformersEngine:
    """`ryot.generator.main`."""

    name = "transformers"
    recomputes = True
    distributions = ("transformers", "torch")
    phases = (
        ("loading weights", "loading weights"),
        ("reserving the cache", "reserving the cache"),
        ("Application startup complete", "first token"),
    )

    def argv(self, launch: Launch) -> list[str]:
        """`auto` is fp32 on a CPU, the checkpoint's type elsewhere."""
        dtype = "fp32" if launch.dtype == "auto" and not launch.cuda else launch.dtype
        argv = ["-m", lean.MODULE, "ryot.generator.main", "--model", str(launch.folder), "--name", launch.model]
        argv += ["--host", launch.host, "--port", str(launch.port), "--device", "cuda" if launch.cuda else "cpu", "--dtype", dtype]
        argv += ["--context", str(launch.context), "--sequences", str(launch.max_concurrency), "--kv-cache", str(launch.kv_cache)]
        argv += [] if launch.cached else ["--no-cache"]
        return argv if launch.cuda else [*argv, "--threads", str(launch.threads)]

    def env(self, launch: Launch) -> Mapping[str, str]:
        """Nothing from the hub; on GPUs each of several engines has its own."""
        offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "DO_NOT_TRACK": "1"}
        if launch.cuda:
            return offline | ({"CUDA_VISIBLE_DEVICES": launch.visible} if launch.visible else {})
        return offline | {"OMP_NUM_THREADS": str(launch.threads)}

    def refusal(self, launch: Launch) -> str | None:
        """It neither compiles nor guesses ahead, and computes with the export's own matrices, on one device."""
        if launch.tensor_parallel > 1:
            return f"tensor_parallel: {launch.tensor_parallel}: the transformers engine computes on one GPU"
        if launch.weights:
            return f"weights: {launch.weights}: the transformers engine serves the export only"
        if not launch.eager:
            return "eager: false: the transformers engine does not compile"
        if not launch.in_process:
            return "in_process: false: the transformers engine is one process"
        return "speculative: the transformers engine guesses no tokens ahead" if launch.speculative else None
