"""What each training node of a spec takes: memory, time, and what the time rests on. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from ryot.estimate.flops import Flops
from ryot.estimate.parameters import Parameters
from ryot.estimate.platform import Platform, training_platform
from ryot.estimate.processor import Here
from ryot.estimate.time import FABRIC, StepTime, step_time
from ryot.estimate.training_memory import TrainingMemory, training_memory
from ryot.spec import Spec
from ryot.spec.train import Kernel, Train

SHORT = 256
"""Tokens of context up to which the train stage tries naive attention on a CPU."""


@dataclass(frozen=True, slots=True)
class TrainingWork:
    """What training goes through. `documents` are those of the training split that are used; `sequence` the tokens of a row that is
    reckoned with; `flops` per token. Updates and tokens are None while nobody knows how many documents there are."""

    documents: int | None
    sequence: int
    tokens_per_update: int
    updates: int | None
    flops: Flops

    @property
    def tokens(self) -> int | None:
        """Tokens in all updates."""
        return None if self.updates is None else self.updates * self.tokens_per_update


@dataclass(frozen=True, slots=True)
class TrainingEstimate:
    """One training node: its kernel level, memory on each device, the roofline of an update, and the seconds an update takes: the
    roofline's, or corrected by what was measured, as `basis` says. None without a known device. `error` is that of such predictions
    in the past."""

    node: str
    kernel_level: int
    memory: TrainingMemory
    step: StepTime | None
    step_s: float | None
    basis: str
    error: float | None = None


def kernels(spec: Spec) -> dict[str, Kernel]:
    """The kernel of each training node, as the train stage sets it."""
    if spec.optimize is None:
        return {"train": Kernel(level=1)}
    return {"train.baseline": spec.optimize.baseline.kernel, "train.optimized": spec.optimize.kernel}


def training_estimate(
    spec: Spec, here: Here, node: str, params: Parameters, platform: Platform | None, work: TrainingWork
) -> TrainingEstimate:
    """One training node. A kernel that may compute in bf16, on a device that has it, is taken to do so: its time is bf16's, its memory
    the larger of both."""
    kernel = kernels(spec)[node]
    trains = [spec.train]
    if platform and kernel.level >= 2 and kernel.bf16 and spec.train.precision == "fp32" and "bf16" in platform.device.peak:
        trains.append(spec.train.model_copy(update={"precision": "bf16"}))
        platform = training_platform(spec.hardware, here, spec.train.ranks, "bf16", spec.train.machines)
    kind = platform.device.kind if platform else "cpu"
    packed = node == "train.optimized" and spec.optimize is not None and spec.optimize.compressor is not None
    scaled = node == "train.optimized" and spec.optimize is not None and spec.optimize.scaling is not None
    rows = spec.train.batch_size * (2 if scaled and spec.train.global_batch > spec.train.batch_size else 1)  # what scaling may try at most
    # Level 3 may find naive attention faster where rows are short, and then keeps its scores.
    levels = {kernel.level, 0} if kernel.level == 3 and kind == "cpu" and spec.model.context <= SHORT else {kernel.level}
    memories = (
        training_memory(spec.model, train, kernel_level=level, rows=rows, device=kind, packed=packed)
        for train in trains
        for level in levels
    )
    memory = max(memories, key=attrgetter("needed"))
    foreseen = platform is not None and (kind != "cpu" or spec.train.machines == 1)
    step = step_time(platform, trains[-1], work.flops.total, work.tokens_per_update, params.trainable) if platform and foreseen else None
    return TrainingEstimate(node, kernel.level, memory, step, step.seconds if step else None, _basis(platform, step, trains[-1]))


def _basis(platform: Platform | None, step: StepTime | None, train: Train) -> str:
    """What a time rests on before it was measured."""
    if platform is None:
        return "the device is in no catalogue"
    if step is None:
        return f"the network between {train.machines} machines is not known, and no time is foreseen"
    if step.bound != "compute":
        return f"bound by {step.bound}"
    precision = "" if train.precision == "fp32" else f" in {train.precision}"
    network = f", {FABRIC / 1e9:.0f} GB/s between machines" if train.machines > 1 else ""
    return f"{platform.utilisation:.0%} of the peak{precision} ({platform.utilisation_source}){network}"
