"""What this machine is, found without torch: its accelerators, its processor, its cores."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """The kind of device nodes run on (`cpu:AMD EPYC x2`, `cuda:NVIDIA H200 x1`) and how many cores this process may use."""

    device: str
    cpus: int

    @property
    def profile(self) -> str:
        """The profile a spec should use here, if it has it."""
        return "gpu" if self.device.startswith("cuda") else "cpu"


def probe() -> Machine:
    """This machine."""
    cpus = len(os.sched_getaffinity(0))
    gpus = list(_gpus())
    if gpus and os.environ.get("CUDA_VISIBLE_DEVICES") != "":
        return Machine(f"cuda:{gpus[0]} x{len(gpus)}", cpus)
    return Machine(f"cpu:{_processor()} x{cpus}", cpus)


def _gpus() -> Iterator[str]:
    for about in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        match = re.search(r"^Model:\s*(.+?)\s*$", about.read_text(errors="replace"), re.M)
        if match:
            yield match[1]


def _processor() -> str:
    try:
        match = re.search(r"^model name\s*:\s*(.+?)\s*$", Path("/proc/cpuinfo").read_text(errors="replace"), re.M)
    except OSError:
        match = None
    return match[1] if match else os.uname().machine
