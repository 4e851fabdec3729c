"""Starts ranks through torchrun and watches them: progress is passed on, a stopped or dead rank is named
within seconds, and its own words are repeated."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ryot.plugins import NodeError, StageContext

POLL_S = 0.05
SILENCE_S = 25.0
"""A rank that showed no sign of life for so long is stopped or starved."""
LOG_LINES = 12


@dataclass(frozen=True, slots=True)
class Ranks:
    """What to start: a module run as `python -m MODULE JOB.json`, in so many processes."""

    module: str
    count: int
    job: dict[str, Any]


def launch(ranks: Ranks, context: StageContext, on_line: Callable[[dict[str, Any]], None]) -> None:
    """Run the ranks to their end, giving `on_line` rank 0's progress. Raises NodeError with the failing rank's own diagnosis."""
    folder = context.scratch / "ranks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    threads = max(context.cpus // ranks.count, 1)
    device = "cuda" if context.device.startswith("cuda") else "cpu"
    job = ranks.job | {"folder": str(folder), "meeting": str(folder / "meeting"), "threads": threads, "device": device}
    (folder / "job.json").write_text(json.dumps(job))
    process = context.spawn(_argv(ranks, context, folder), env=_environment(threads, device, context))
    watch = _Watch(folder, ranks.count, on_line)
    try:
        while process.poll() is None:
            watch.look()
            time.sleep(POLL_S)
        watch.look()
    finally:
        _end(process)
    if process.returncode != 0:
        raise diagnosis(folder, ranks.count, process.returncode, context.log)


def _argv(ranks: Ranks, context: StageContext, folder: Path) -> list[str]:
    """torchrun's command line. It meets itself over a file, so that neither it nor the ranks listen on a port of the network."""
    meeting = ["--rdzv-backend=c10d", f"--rdzv-endpoint={folder / 'rendezvous'}", "--rdzv-conf=store_type=file", "--rdzv-id=ryot"]
    run = [context.python, "-m", "torch.distributed.run", "--nnodes=1", f"--nproc-per-node={ranks.count}", *meeting]
    return [*run, "--local-addr=127.0.0.1", "-m", ranks.module, str(folder / "job.json")]


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
        "TORCHINDUCTOR_CACHE_DIR": str(context.scratch / "inductor"),
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    }


class _Watch:
    """Reads progress and signs of life."""

    def __init__(self, folder: Path, count: int, on_line: Callable[[dict[str, Any]], None]) -> None:
        self._folder, self._on_line, self._read = folder, on_line, 0
        self._beats = dict.fromkeys(range(count), "")
        self._silent_looks = dict.fromkeys(range(count), 0)
        self._next_beat_look = 0.0

    def look(self) -> None:
        """Pass new lines on; raise NodeError when a rank has been silent for too long."""
        self._pass_on()
        if time.monotonic() >= self._next_beat_look:
            self._next_beat_look = time.monotonic() + 1.0
            self._listen()

    def _pass_on(self) -> None:
        path = self._folder / "progress.jsonl"
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._read)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read += len(whole) + len(newline)
        for line in whole.splitlines():
            self._on_line(json.loads(line))

    def _listen(self) -> None:
        """Looks are counted, not seconds: when the whole machine slept, nobody was silent."""
        for rank, last in self._beats.items():
            path = self._folder / f"beat-{rank}"
            beat = path.read_text() if path.exists() else ""
            self._silent_looks[rank] = self._silent_looks[rank] + 1 if beat and beat == last else 0
            self._beats[rank] = beat
        rank, silent = max(self._silent_looks.items(), key=lambda item: item[1])  # a stall of all comes on top of the silence of one
        if silent >= SILENCE_S:
            raise NodeError(
                f"rank {rank} has shown no sign of life for {SILENCE_S:.0f} s: it was stopped, or its machine is starved",
                hint=f"its last lines:\n{_tail(self._folder / f'rank-{rank}.log')}",
            )


def diagnosis(folder: Path, count: int, code: int, log: Path) -> NodeError:
    """Why the ranks failed: the first error of ryot's own, else the rank that a signal ended, else the first error at all."""
    errors = [json.loads(path.read_text()) for path in sorted(folder.glob("error-*.json"))]
    errors.sort(key=lambda error: (not error["ours"], error["at"]))
    if errors and errors[0]["ours"]:
        return NodeError(errors[0]["message"], hint=errors[0]["hint"])
    text = log.read_text(errors="replace") if log.exists() else ""
    killed = re.findall(r"\(exitcode: -(\d+)\) local_rank: (\d+)", text)  # torchrun's words for the first that died
    if killed:
        signal, rank = killed[-1]
        return NodeError(f"rank {rank} was killed by signal {signal}", hint=f"its last lines:\n{_tail(folder / f'rank-{rank}.log')}")
    if errors:
        rank = errors[0]["rank"]
        return NodeError(f"rank {rank} failed: {errors[0]['message']}", hint=f"its last lines:\n{_tail(folder / f'rank-{rank}.log')}")
    return NodeError(f"torchrun ended with exit code {code} before its {count} ranks could start", hint=f"its output is in {log}")


def _tail(path: Path) -> str:
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return "\n".join(lines[-LOG_LINES:])


def _end(process: subprocess.Popen[bytes]) -> None:
    """End torchrun; its ranks die with it."""
    if process.poll() is None:
        process.kill()
    process.wait()
