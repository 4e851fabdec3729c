"""The question asked the other way: which micro-batch, ZeRO stage, offloading and recomputation fit the memory there is, and at what price.

The update stays the same: rows x accumulation x devices is the global batch of the spec. Times rank, they do not predict.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import gcd, isqrt

from ryot.estimate.activations import FLOAT
from ryot.estimate.flops import flops_per_token
from ryot.estimate.parameters import count_parameters
from ryot.estimate.time import FABRIC, HOST_BANDWIDTH, LINK_BANDWIDTH, UPDATE_BYTES, exchanged
from ryot.estimate.training_memory import TrainingMemory, training_memory
from ryot.spec.model import Model
from ryot.spec.train import Train

REACHED = 1.2e14
"""FLOP/s that a device reaches where the caller does not know: 40 % of an A100's 312 TFLOP/s."""


@dataclass(frozen=True, slots=True)
class Room:
    """What there is: bytes of each device (of a machine's ranks together on a CPU) and of the hosts, devices, their kind ("cpu", "cuda",
    "rocm"), and the FLOP/s that each reaches."""

    memory: int
    host_memory: int
    devices: int = 1
    device: str = "cuda"
    flops: float = REACHED


@dataclass(frozen=True, slots=True)
class Fit:
    """One way to carry out the update. `memory` is a device's; `needed` and `host` are held against the room's memory and host_memory;
    `slower` is its time over that of the same products without recomputation, traffic and offloading."""

    train: Train
    memory: TrainingMemory
    needed: int
    host: int
    slower: float

    def over(self, room: Room) -> int:
        """Bytes too many, on a device and on the hosts; 0 when it fits."""
        return max(self.needed - room.memory, 0) + max(self.host - room.host_memory, 0)


def fit(model: Model, train: Train, room: Room, *, kernel_level: int = 1) -> tuple[Fit, ...]:
    """The ways that fit, best first: of each ZeRO stage, offloading and recomputation the largest micro-batch. Empty when none does.

    Equal times are ordered by less sharding, then by more free memory. Where the devices do not divide the documents of an update, only
    as many of them are used as do.
    """
    found = [next((way for way in ways if not way.over(room)), None) for ways in _ways(model, train, room, kernel_level)]
    return tuple(sorted((way for way in found if way), key=lambda way: (way.slower, way.train.zero, way.needed)))


def nearest(model: Model, train: Train, room: Room, *, kernel_level: int = 1) -> Fit:
    """The way that misses by the fewest bytes: what to say when nothing fits."""
    return min((way for ways in _ways(model, train, room, kernel_level) for way in ways), key=lambda way: (way.over(room), way.slower))


def _ways(model: Model, train: Train, room: Room, kernel_level: int) -> Iterator[Iterator[Fit]]:
    """For each choice of stage, offloading and recomputation, the micro-batches from the largest to one row."""
    devices = gcd(train.global_batch, room.devices)
    machines = gcd(devices, train.machines)
    share = train.global_batch // devices
    small = [rows for rows in range(1, isqrt(share) + 1) if share % rows == 0]
    batches = sorted({*small, *(share // rows for rows in small)}, reverse=True)
    for sharding, recompute in product(_sharding(train, devices, room.device, kernel_level), (False, True)):
        base = {"ranks": devices, "machines": machines, **sharding, "recompute": recompute}
        changed = [train.model_copy(update={**base, "batch_size": rows, "accumulation": share // rows}) for rows in batches]
        yield (_fit(model, way, room, kernel_level) for way in changed)


def _sharding(train: Train, devices: int, device: str, kernel_level: int) -> list[dict[str, object]]:
    """What of the engine's sharding and offloading is worth a look: nothing shards on one device, a CPU offloads nowhere, compiled blocks
    forbid ZeRO 3 and what FSDP shards."""
    if train.engine == "fsdp":
        return [{"sharding": kind} for kind in (("none", "grad_op", "full") if devices > 1 and kernel_level < 2 else ("none",))]
    most = 3 if kernel_level < 2 else 2
    kept = [(stage, "none") for stage in (0, 1, 2, 3) if (stage == 0 or devices > 1) and stage <= most]
    if device != "cpu":
        kept += [(2, "optimizer"), *([(3, "optimizer"), (3, "all")] if kernel_level < 2 else [])]
    return [{"zero_stage": stage, "offload": offload} for stage, offload in kept]


def _fit(model: Model, train: Train, room: Room, kernel_level: int) -> Fit:
    memory = training_memory(model, train, kernel_level=kernel_level, device=room.device)
    together = train.ranks_each if room.device == "cpu" else 1
    return Fit(train, memory, memory.needed * together, memory.resume_host * train.ranks, _slower(model, train, room))


def _slower(model: Model, train: Train, room: Room) -> float:
    """Seconds of an update over those of its products alone; nothing overlaps, so an upper estimate.

    Products: FLOPs of `flops_per_token`; recomputation adds those of the blocks' forward pass. Traffic: `exchanged` bytes at FABRIC.
    Offloading (Ren et al. 2021): gradients down, weights up, 2 x 4 P / W at LINK_BANDWIDTH, and AdamW's 28 P / W at a share of
    HOST_BANDWIDTH; weights too: 4 P / W in each pass.
    """
    sequence, parameters, world = train.sequence or model.context, count_parameters(model).trainable, train.ranks
    tokens = train.batch_size * train.accumulation * sequence
    plain = flops_per_token(model, sequence).total * tokens / room.flops
    seconds = flops_per_token(model, sequence, train.recompute).total * tokens / room.flops
    passes, shard = 3 if train.recompute else 2, FLOAT * parameters / world
    if room.device != "cpu":
        seconds += exchanged(train, parameters, world) / FABRIC
    if train.offload != "none":
        seconds += 2 * shard / LINK_BANDWIDTH + UPDATE_BYTES * parameters / HOST_BANDWIDTH
    if train.offload == "all":
        seconds += passes * train.accumulation * shard / LINK_BANDWIDTH
    return seconds / plain
