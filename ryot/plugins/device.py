"""What kind of device this machine computes on, found without torch."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path


def device_here() -> str:
    """The kind of device that nodes run on here, as plans name it: `cpu:AMD EPYC x2` (cores that this process may use) or
    `cuda:NVIDIA H200 x1`."""
    gpus = list(_gpus())
    if gpus and os.environ.get("CUDA_VISIBLE_DEVICES") != "":
        return f"cuda:{gpus[0]} x{len(gpus)}"
    return f"cpu:{_processor()} x{len(os.sched_getaffinity(0))}"


def kind_here() -> str:
    """The same without the number: what measures speed is keyed by it, so it has to be equal on every machine that measures."""
    return device_here().rpartition(" x")[0]


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
