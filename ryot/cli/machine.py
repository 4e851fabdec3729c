"""What this machine is, found without torch: its accelerators, its processor, its cores."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import psutil

from ryot.estimate.processor import Here
from ryot.plugins.device import device_here

_CPUS = Path("/sys/devices/system/cpu")
_ANY_MHZ = 2500.0
"""The clock assumed where neither the kernel nor the processor tells one."""


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
    return Machine(device_here(), len(os.sched_getaffinity(0)))


def here(machine: Machine) -> Here:
    """The machine that `probe` found, as plans reckon with it. Takes a few milliseconds and measures nothing."""
    about = _read(Path("/proc/cpuinfo"))
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", about, re.M)
    return Here(
        device=machine.device,
        cpus=machine.cpus,
        memory=_memory(),
        flags=frozenset(flags[1].split()) if flags else frozenset(),
        mhz=_mhz(about),
        threads_per_core=len(_listed(_read(_CPUS / "cpu0/topology/thread_siblings_list"))) or 1,
        cache=_cache(),
    )


def _memory() -> int:
    """Bytes this process may use: the machine's, or what its control group allows."""
    total, limit = int(psutil.virtual_memory().total), _read(Path("/sys/fs/cgroup/memory.max")).strip()
    return min(total, int(limit)) if limit.isdigit() else total


def _mhz(about: str) -> float:
    """The highest clock the kernel names, else the present one: an idle core shows less than it can."""
    highest = _read(_CPUS / "cpu0/cpufreq/cpuinfo_max_freq").strip()
    present = [float(found) for found in re.findall(r"^cpu MHz\s*:\s*([\d.]+)", about, re.M)]
    return int(highest) / 1000 if highest.isdigit() else max(present, default=_ANY_MHZ)


def _cache() -> int:
    """Bytes of the last-level caches, each counted once."""
    found: dict[tuple[int, str], int] = {}
    for index in _CPUS.glob("cpu[0-9]*/cache/index[0-9]*"):
        level, size = _read(index / "level").strip(), re.fullmatch(r"(\d+)K\s*", _read(index / "size"))
        if level.isdigit() and size:
            found[int(level), _read(index / "shared_cpu_list")] = int(size[1]) * 1024
    last = max((level for level, _ in found), default=0)
    return sum(size for (level, _), size in found.items() if level == last)


def _listed(text: str) -> list[int]:
    """`0-2,8` as 0, 1, 2, 8."""
    spans = [(int(first), int(last or first)) for first, last in re.findall(r"(\d+)(?:-(\d+))?", text)]
    return [number for first, last in spans for number in range(first, last + 1)]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
