"""What a device is asked before training: whether it computes a precision itself, or only emulates it, hundreds of times slower (timed
on a product), and whether it has a memory of its own to offload from."""

import time

import torch

from ryot.plugins import NodeError

_SIZE = 512


def refuse_emulated(precision: str, device: torch.device) -> None:
    """Raise NodeError when a product in `precision`, "bf16" or "fp16", takes more than twice the time of an fp32 one."""
    if precision == "fp32":
        return
    factor = _time(torch.bfloat16 if precision == "bf16" else torch.float16, device)
    if factor > 2:
        raise NodeError(
            f"this device only emulates {precision}: a product of {_SIZE}x{_SIZE} takes {factor:.0f} times as long as in fp32",
            hint="use train.precision: fp32",
        )


def bf16_time(device: torch.device) -> float:
    """The time of a product in bf16 over that in fp32."""
    return _time(torch.bfloat16, device)


def refuse_offload(offload: str, device: torch.device) -> None:
    """Raise NodeError when something is to be kept in the host's memory, and the device has no other."""
    if offload != "none" and device.type == "cpu":
        raise NodeError(f"offload: {offload} needs an accelerator; a CPU keeps all in the host's memory", hint="use train.offload: none")


def _time(kind: torch.dtype, device: torch.device) -> float:
    return _seconds(kind, device) / _seconds(torch.float32, device)


def _seconds(kind: torch.dtype, device: torch.device) -> float:
    """The shortest of three products, in seconds."""
    matrix = torch.ones(_SIZE, _SIZE, dtype=kind, device=device)
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        float((matrix @ matrix)[0, 0])  # reading a value waits for a GPU
        best = min(best, time.perf_counter() - start)
    return best
