"""Memory of one training update, per device: what lies in it, where the peak is, and what stays on the host. No torch, no device.

It counts tensors, as torch's tracker and `torch.cuda.max_memory_allocated` do; what CUDA and its libraries take is `framework`.
"""

from dataclasses import dataclass

from ryot.estimate.activations import FLOAT, Pass
from ryot.estimate.fsdp import FsdpUpdate
from ryot.estimate.update import Update
from ryot.spec.model import Model
from ryot.spec.train import Train

CONTEXT = {"cpu": 0, "cuda": 1_300_000_000, "rocm": 1_300_000_000}
"""What an accelerator's context and loaded kernels take beside all tensors: assumed; from 0.3 GB where kernels are loaded lazily."""


@dataclass(frozen=True, slots=True)
class TrainingMemory:
    """Bytes on each device. The parts are not all there at one time: `peak` is the highest moment of an update, `at` says which.

    `activations` are what the forward pass keeps; `logits` what stands at the loss: log-probabilities, their gradient and the logits'.
    `temporary` is the peak less weights, optimizer and the activations and gradients, as far as they fit in it. `host` is what lies in
    the host's memory instead, for each device. `resume_peak` is the highest moment while a checkpoint is written or loaded, and
    `resume_host` the host's then (on a CPU, where both are the same memory, 0).
    """

    weights: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    temporary: int
    framework: int
    host: int
    peak: int
    at: str
    resume_peak: int
    resume_host: int

    @property
    def needed(self) -> int:
        """What a device must have: the highest moment of tensors, and what is not tensors."""
        return max(self.peak, self.resume_peak) + self.framework


def training_memory(
    model: Model,
    train: Train,
    *,
    kernel_level: int = 1,
    rows: int | None = None,
    sequence: int | None = None,
    device: str = "cpu",
    packed: bool = False,
) -> TrainingMemory:
    """The memory of one update on each of train.ranks devices of a kind: "cpu", "cuda" or "rocm".

    `rows` of `sequence` tokens go through the network at a time (by default train.batch_size, and train.sequence or model.context);
    `packed`, as many documents in one row, as the train stage's compressor lays them out at the most.
    Weights, gradients and AdamW's two moments are fp32 in every precision (16 bits are torch's autocast: activations of 2 bytes, and
    the matrices cast once more); beside the weights lie DeepSpeed's fp32 masters from ZeRO 1 on, and FSDP's shards under grad_op. The
    peak is the highest of: the loss; the backward pass of the head, of each block and of the embedding; the reduction of the gradients;
    the optimizer's step.
    Formulas: `ryot.estimate.update` (moments, sharding), `ryot.estimate.fsdp`, `ryot.estimate.activations` (what autograd keeps).
    """
    count, length = rows or train.batch_size, sequence or train.sequence or model.context
    given = Pass(count, length, train.precision != "fp32", kernel_level >= 1, device, packed)
    update = (FsdpUpdate if train.engine == "fsdp" else Update)(model, train, given, kernel_level)
    at, peak = max(update.moments(), key=lambda moment: moment[1])
    states, kept = update.states, update.kept
    rest = max(peak - int(states.weights + states.optimizer), 0)
    return TrainingMemory(
        weights=int(states.weights),
        gradients=int(states.gradients),
        optimizer=int(states.optimizer),
        activations=kept,
        logits=3 * FLOAT * given.positions * model.vocab_size,
        temporary=max(rest - (kept if at in ("loss", "head", "block") else int(states.gradients)), 0),
        framework=CONTEXT[device],
        host=int(update.host),
        peak=peak,
        at=at,
        resume_peak=int(update.checkpoint if device == "cpu" else update.fixed),
        resume_host=0 if device == "cpu" else int(update.host + update.checkpoint_host),
    )
