"""How long training takes: a roofline of one update, times the updates. Arithmetic only; the ledger corrects it by what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass

from ryot.estimate.platform import Platform
from ryot.spec.train import Train

UPDATE_BYTES = 28
"""Bytes AdamW moves for each parameter in an update: reads weight, gradient and two moments and writes all but the gradient, 4 bytes
each; the same with 16-bit weights and gradients beside fp32 masters (2 + 12 read, 12 + 2 written)."""
LINK_BANDWIDTH = 25e9
"""Bytes/s between a device and its host: PCIe 4 x16 as measured, of 32 in theory."""
FABRIC = 50e9
"""Bytes/s in and out of a device to the others: assumed, between NVLink's hundreds of GB/s and a 200 Gbit/s network's 25."""
HOST_BANDWIDTH = 100e9
"""Bytes/s of a host's memory when it updates offloaded states; assumed."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """One update of the weights. `parts` are the seconds each resource is busy; `bound` names the busiest, which sets `seconds`."""

    parts: Mapping[str, float]

    @property
    def bound(self) -> str:
        """The resource that decides."""
        return max(self.parts, key=lambda part: self.parts[part])

    @property
    def seconds(self) -> float:
        """Seconds an update takes."""
        return self.parts[self.bound]


def step_time(platform: Platform, train: Train, flops_per_token: float, tokens: int, parameters: int) -> StepTime:
    """Seconds of one update over `tokens` tokens (global batch x row) at `flops_per_token` FLOPs, recomputation included.

    compute   flops_per_token x tokens / (devices x peak x utilisation); utilisation (MFU, Chowdhery et al. 2022; with recomputation the
              share of all FLOPs carried out, HFU) counts the whole step, so what follows matters only where it alone is longer (a
              roofline: Williams et al. 2009)
    memory    28 P / n bytes of AdamW at the device's bandwidth; n = devices from ZeRO stage 1 on, else 1 (Rajbhandari et al. 2020)
    network   `exchanged` bytes through each device at FABRIC; on a CPU ranks share a memory, and it is left out
    With offload, in place of memory (ZeRO-Offload: Ren et al. 2021):
    link      gradients down and weights up, 2 x b P / n bytes a device; offload: all also fetches the weights for every pass, b P / n each
    host      28 P / hosts bytes at the host's memory bandwidth
    P parameters, b bytes of a weight in training precision.
    """
    compute = flops_per_token * tokens / platform.flops(train.precision)
    network = 0.0 if platform.device.kind == "cpu" else exchanged(train, parameters, platform.count) / FABRIC
    shards = platform.count if train.zero else 1
    if train.offload == "none":
        memory = UPDATE_BYTES * parameters / shards / platform.device.bandwidth
        return StepTime({"compute": compute, "memory": memory, "network": network})
    share = parameters / shards * (4 if train.precision == "fp32" else 2)
    passes = 0 if train.offload == "optimizer" else 3 if train.recompute else 2
    host = UPDATE_BYTES * parameters / platform.instances / HOST_BANDWIDTH
    return StepTime({"compute": compute, "link": (2 + passes) * share / LINK_BANDWIDTH, "host": host, "network": network})


def exchanged(train: Train, parameters: int, world: int) -> float:
    """Bytes that go through each of `world` devices in an update (Rajbhandari et al. 2020, section 7), in fp32.

    Gradients go round as 2 x 4 P (W - 1) / W; under ZeRO 2 once a micro-batch, and the weights once; under ZeRO 3 4 P (W - 1) / W once
    a micro-batch, and the weights as often in each pass: forward, backward and recomputed.
    """
    passes = 3 if train.recompute else 2
    rounds = {0: 2, 1: 2, 2: 1 + train.accumulation, 3: (1 + passes) * train.accumulation}[train.zero]
    return rounds * 4 * parameters * (world - 1) / world


def training_time(step_s: float, updates: int) -> float:
    """Seconds of a run: updates x seconds of one. Starting, checkpoints and evaluation are not in it."""
    return step_s * updates
