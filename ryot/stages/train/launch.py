"""Starts ranks through torchrun and watches them to their end: progress is passed on, a rank that is stopped, stuck or dead is named, and
its own words are repeated."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ryot.plugins import StageContext
from ryot.stages.train.diagnosis import diagnosis
from ryot.stages.train.shortage import kills
from ryot.stages.train.watch import Watch

POLL_S = 0.05
LEAN = "ryot.stages.lean"
CACHE = "TORCHINDUCTOR_CACHE_DIR"
"""The environment variable by which a user keeps compiled code elsewhere."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """What to start: a module run as `python -m MODULE JOB.json`, in so many processes."""

    module: str
    count: int
    job: dict[str, Any]


def launch(ranks: Ranks, context: StageContext, on_line: Callable[[dict[str, Any]], None]) -> None:
    """Run the ranks to their end, giving `on_line` rank 0's progress. Raises NodeError with the failing rank's own
    diagnosis; OutOfMemory where memory ran out."""
    folder = context.scratch / "ranks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    threads = max(context.cpus // ranks.count, 1)
    device = "cuda" if context.device.startswith("cuda") else "cpu"
    job = ranks.job | {"folder": str(folder), "meeting": str(folder / "meeting"), "threads": threads, "device": device}
    (folder / "job.json").write_text(json.dumps(job))
    log = folder / "torchrun.log"  # beside the node's: what it says of a rank that ended buries the rank's own words
    process = context.spawn(_argv(ranks, context, folder), env=_environment(threads, device, context), log=log)
    watch, kills_before = Watch(folder, ranks.count, on_line), kills()
    try:
        while process.poll() is None and not watch.look():
            time.sleep(POLL_S)
        watch.look()
    finally:
        _end(process)
    if process.returncode != 0:
        raise diagnosis(folder, ranks.count, process.returncode, log, kills_before)


def _argv(ranks: Ranks, context: StageContext, folder: Path) -> list[str]:
    """torchrun's command line. It meets itself over a file, so that neither it nor the ranks listen on a port of the network."""
    meeting = ["--rdzv-backend=c10d", f"--rdzv-endpoint={folder / 'rendezvous'}", "--rdzv-conf=store_type=file", "--rdzv-id=ryot"]
    run = [context.python, "-m", "torch.distributed.run", "--nnodes=1", f"--nproc-per-node={ranks.count}", *meeting]
    return [*run, "--local-addr=127.0.0.1", "-m", LEAN, ranks.module, str(folder / "job.json")]


def _environment(threads: int, device: str, context: StageContext) -> dict[str, str]:
    return {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "DS_ACCELERATOR": device,
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",  # else torchrun opens a store for the ranks on every interface
        "GLOO_SOCKET_IFNAME": "lo",
        "NCCL_SOCKET_IFNAME": "lo",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
        CACHE: os.environ.get(CACHE) or str(compiled_folder(context.scratch)),
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    }


def compiled_folder(scratch: Path) -> Path:
    """Where compiled code is kept, for all runs of this user; torch finds it again by what it was made from, and writes it whole. In the
    node's scratch where the user has no cache that can be written."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "ryot" / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return scratch / "compiled"
    return folder if os.access(folder, os.W_OK) else scratch / "compiled"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End torchrun; its ranks die with it."""
    if process.poll() is None:
        process.kill()
    process.wait()
