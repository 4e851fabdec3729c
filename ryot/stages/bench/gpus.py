"""What the NVIDIA GPUs of this machine do, as the driver's library tells it: how busy they are, and what of their memory is in use."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

try:
    import pynvml  # nvidia-ml-py: it comes with vLLM for GPUs, and only there
except ModuleNotFoundError:
    pynvml = None

_DRIVER = Path("/proc/driver/nvidia")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU: the share of the driver's last interval in which it worked, None where it does not tell, and bytes in use by anyone."""

    utilisation: float | None
    memory: int


class Gpus:
    """The GPUs that CUDA_VISIBLE_DEVICES leaves, or all. `lacking` says why there are none to look at; "" where there are some."""

    def __init__(self) -> None:
        self._handles: list[Any] = []
        self.lacking = self._open()

    def _open(self) -> str:
        if pynvml is None:
            return "nvidia-ml-py, which would tell of the GPUs, is not installed" if _DRIVER.exists() else "this machine has no NVIDIA GPU"
        try:
            pynvml.nvmlInit()
            self._handles = [_handle(pynvml, name) for name in _visible(pynvml)]
        except (pynvml.NVMLError, ValueError) as error:
            return f"no GPU can be looked at: {error}"
        return "" if self._handles else "the server may use no GPU"

    def look(self) -> list[Gpu]:
        """Each of them now; none where there are none."""
        return [Gpu(_utilisation(handle), _memory(handle)) for handle in self._handles]

    def close(self) -> None:
        """Let go of the driver's library."""
        if self._handles:
            pynvml.nvmlShutdown()
            self._handles = []


def _visible(nvml: Any) -> list[str]:
    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    every = [str(index) for index in range(nvml.nvmlDeviceGetCount())]
    return every if wanted is None else [name.strip() for name in wanted.split(",") if name.strip()]


def _handle(nvml: Any, name: str) -> Any:
    """By its number, or by its UUID."""
    return nvml.nvmlDeviceGetHandleByIndex(int(name)) if name.isdigit() else nvml.nvmlDeviceGetHandleByUUID(name)


def _utilisation(handle: Any) -> float | None:
    try:
        return float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu) / 100
    except pynvml.NVMLError:  # one that is cut into parts (MIG) does not tell
        return None


def _memory(handle: Any) -> int:
    return int(pynvml.nvmlDeviceGetMemoryInfo(handle).used)
