"""Floors of serving: what no engine can go below on a device. A target under a floor cannot be met; one above it is not promised.

Every figure leans low: full peak and bandwidth, no launch, network, tokenizer or scheduler, masked attention not computed, and nothing
read from memory that the last-level cache could hold.
"""

from dataclasses import dataclass

from ryot.estimate.platform import Platform
from ryot.spec.hardware import Precision


@dataclass(frozen=True, slots=True)
class Work:
    """What a model costs to serve: bytes of weights that one pass reads, bytes of keys and values a token, of state a sequence; FLOPs
    a token of its body (neither attention over positions nor head), of the head, and of attention for one token and one position."""

    weights: int
    kv: int
    state: int
    body: float
    head: float
    attention: float


@dataclass(frozen=True, slots=True)
class Load:
    """A request: tokens of a prompt (of which `cached` are known to the server), tokens generated, sequences at once."""

    prompt: int
    output: int = 1
    batch: int = 1
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Floors:
    """Seconds: to the first token, for each further one, for the whole request; and what bounds the two: compute or memory."""

    first_token: float
    per_token: float
    request: float
    first_bound: str
    further_bound: str


def floors(work: Work, load: Load, platform: Platform, precision: Precision) -> Floors:
    """The least time of a request at peak: max(compute, memory) of each pass (Pope et al. 2022; Kipply, "Transformer Inference
    Arithmetic", 2022).

    first    FLOPs b (q body + head + attention (p^2 - c^2) / 2), memory the weights; q = p - c tokens to compute, p prompt, c cached
    further  FLOPs b (body + head + attention l), memory weights + b (kv l + state); l = p + o / 2, the mean length: pass times are
             convex in l, so that their mean is not below the time at the mean
    request  first + (o - 1) further
    Bytes that the cache holds are free. b sequences, o tokens generated.
    """
    known = min(load.cached, load.prompt - 1)
    compute, memory = _first(work, load, known, platform, precision), _read(work.weights, platform)
    step_compute, step_memory = _further(work, load, platform, precision)
    first, further = max(compute, memory), max(step_compute, step_memory)
    return Floors(first, further, first + (load.output - 1) * further, _bound(compute, memory), _bound(step_compute, step_memory))


def throughput_ceiling(work: Work, load: Load, platform: Platform, precision: Precision) -> float:
    """Generated tokens a second that no engine exceeds with `load.batch` sequences in flight, however it mixes prompts and steps.

    The lesser of compute, o b / (first + (o - 1) steps) in FLOPs alone, and memory, o b / ((o - 1) passes), each of which reads the
    weights once and yields at most b tokens; the o-th comes with the prompt.
    """
    made = load.output * load.batch
    known = min(load.cached, load.prompt - 1)
    step_compute, step_memory = _further(work, load, platform, precision)
    compute = _first(work, load, known, platform, precision) + (load.output - 1) * step_compute
    return made / max(compute, (load.output - 1) * step_memory)


def _first(work: Work, load: Load, known: int, platform: Platform, precision: Precision) -> float:
    """Seconds of computing the prompts."""
    positions = (load.prompt**2 - known**2) / 2
    flops = load.batch * ((load.prompt - known) * work.body + work.head + positions * work.attention)
    return flops / (platform.count * platform.device.flops(precision) * platform.device.headroom)


def _further(work: Work, load: Load, platform: Platform, precision: Precision) -> tuple[float, float]:
    """Seconds of computing and of reading for one further token of each sequence."""
    length = load.prompt + load.output / 2
    flops = load.batch * (work.body + work.head + length * work.attention)
    read = work.weights + load.batch * (length * work.kv + work.state)
    return flops / (platform.count * platform.device.flops(precision) * platform.device.headroom), _read(read, platform)


def _read(size: float, platform: Platform) -> float:
    """Seconds of reading what the caches of all devices do not hold."""
    device, count = platform.device, platform.count
    return max(size - count * device.cache, 0.0) / (count * device.bandwidth * device.headroom)


def _bound(compute: float, memory: float) -> str:
    return "compute" if compute >= memory else "memory"
