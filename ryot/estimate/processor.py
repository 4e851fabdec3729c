"""A machine's processor as a device: what its flags, clock and cores allow. Figures are nominal: measured ones come from the ledger.

The flags tell which instructions there are, not how many units carry them out; where that differs, the wider is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ryot.estimate.catalogue import Device
from ryot.spec.hardware import Precision

_CORE_BANDWIDTH, _SOCKET_BANDWIDTH = 20e9, 200e9
"""Bytes/s: what one core draws from memory, and what all do together, where nothing is measured (server DDR4 and DDR5)."""
HEADROOM = 2.0
"""Clocks rise above nominal to at most about twice, and memory may have more channels than assumed."""


@dataclass(frozen=True, slots=True)
class Here:
    """This machine, as the command line found it. `cpus` are logical, `memory` and `cache` bytes, `mhz` the nominal clock."""

    device: str
    cpus: int
    memory: int
    flags: frozenset[str]
    mhz: float
    threads_per_core: int = 1
    cache: int = 0

    @property
    def devices(self) -> int:
        """Accelerators there are; 1 for a processor."""
        count = self.device.rpartition(" x")[2]
        return int(count) if self.accelerator and count.isdigit() else 1

    @property
    def accelerator(self) -> str | None:
        """The accelerators' name as the driver prints it; None on a machine without."""
        kind, _, rest = self.device.partition(":")
        return None if kind == "cpu" else rest.rpartition(" x")[0] or rest


def processor(machine: Here, cpus: int | None = None) -> Device:
    """The cores of a machine, or `cpus` of them, as one device.

    Peak FLOP/s = cores x Hz x FLOP per cycle and core. fp32 per cycle and core: AVX-512 64, AVX2 with FMA 32, AVX 16, SSE 8, NEON 16;
    Zen 4 runs AVX-512 at half width and has 32. bf16: twice fp32 with AVX512_BF16, 1024 with AMX; fp16: the same with AVX512_FP16 and
    AMX_FP16. Sources: Intel Intrinsics Guide and Xeon AMX white paper, Agner Fog's instruction tables. Memory bandwidth is assumed:
    20 GB/s a core, at most 200 GB/s.
    """
    logical = min(cpus or machine.cpus, machine.cpus)
    cores = max(logical // machine.threads_per_core, 1)
    cycle = _per_cycle(machine)
    return Device(
        name="here",
        kind="cpu",
        memory=machine.memory,
        bandwidth=min(cores * _CORE_BANDWIDTH, _SOCKET_BANDWIDTH),
        peak=MappingProxyType({precision: cores * machine.mhz * 1e6 * flops for precision, flops in cycle.items()}),
        source=f"{cores} cores x {machine.mhz / 1000:.2f} GHz x {cycle['fp32']} FLOP a cycle (fp32); memory bandwidth assumed",
        cache=machine.cache,
        headroom=HEADROOM,
        matches=(machine.device,),
    )


def _per_cycle(machine: Here) -> Mapping[Precision, int]:
    """FLOP per cycle and core by precision; those that are only emulated are left out."""
    flags = machine.flags
    narrow = "AMD" in machine.device and "avx512_vp2intersect" not in flags  # Zen 4: AVX-512 on 256-bit units; Zen 5 has both
    wide = 32 if narrow else 64
    steps = (("avx512f", wide), ("fma", 32), ("avx", 16), ("asimd", 16))
    fp32 = next((flops for flag, flops in steps if flag in flags), 8)
    found: dict[Precision, int] = {"fp32": fp32}
    if "amx_bf16" in flags:
        found["bf16"] = 1024
    elif flags & {"avx512_bf16", "bf16"}:
        found["bf16"] = 2 * fp32
    if "amx_fp16" in flags:
        found["fp16"] = 1024
    elif flags & {"avx512_fp16", "asimdhp"}:
        found["fp16"] = 2 * fp32
    return found
