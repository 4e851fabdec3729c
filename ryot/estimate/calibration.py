"""What past predictions and their measurements say of a new prediction: a factor to correct it with, and how far off such ones were.

Pure arithmetic. A factor is only ever taken from the same device, engine and measure; where there is nothing alike, nothing is corrected.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

AS_STATED = "as stated"


@dataclass(frozen=True, slots=True)
class Like:
    """What has to agree for one measurement to speak for another. `device` is the kind of device, `engine` its name and version
    ("vllm 0.32.0"), `measure` the name within its node, `shape` a fingerprint of what bears speed."""

    device: str
    engine: str
    stage: str
    measure: str
    shape: str


@dataclass(frozen=True, slots=True)
class Past:
    """One earlier prediction, uncorrected, with what was measured; both in the measure's unit."""

    like: Like
    raw: float
    measured: float


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A corrected prediction: `value` = raw x `factor`. `error` is the median |relative error| of such predictions in the past,
    None where there was none. `basis` says what the factor rests on."""

    value: float
    factor: float
    error: float | None
    basis: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a measure (node/name) is expected to be, in `unit`: `raw` as reckoned, `value` corrected. The rest as in Like and Calibrated."""

    measure: str
    raw: float
    value: float
    unit: str
    engine: str
    shape: str
    basis: str = AS_STATED
    error: float | None = None


def calibrate(raw: float, past: Sequence[Past], like: Like) -> Calibrated:
    """Correct a prediction by the median of measured / raw: over the past of the same device, engine, stage, measure and shape;
    else of the same but any shape; else not at all.

    The error is found by leaving each measurement out in turn and predicting it from the others; a single one is compared with
    what was predicted for it without correction.
    """
    usable = [item for item in past if _usable(item) and _same_device(item.like, like)]
    same = [item for item in usable if item.like.shape == like.shape]
    chosen, what = (same, "of this shape") if same else (usable, "on this device")
    if not chosen:
        return Calibrated(raw, 1.0, None, AS_STATED)
    factor = median(item.measured / item.raw for item in chosen)
    basis = f"{len(chosen)} measurement{'' if len(chosen) == 1 else 's'} {what}"
    return Calibrated(raw * factor, factor, median(_errors(chosen)), basis)


def relative_error(predicted: float, measured: float) -> float | None:
    """(predicted - measured) / |measured|: 0.1 is a tenth too much. None where nothing but zero was measured, or a number is not finite."""
    if measured == 0 or not math.isfinite(predicted) or not math.isfinite(measured):
        return None
    return (predicted - measured) / abs(measured)


def spread_of_errors(errors: Sequence[float]) -> tuple[float, float]:
    """The median and the 90th percentile (nearest rank) of |error|; at least one error."""
    ranked = sorted(abs(error) for error in errors)
    return median(ranked), ranked[math.ceil(0.9 * len(ranked)) - 1]


def _errors(chosen: Sequence[Past]) -> list[float]:
    factors = [item.measured / item.raw for item in chosen]
    found = []
    for index, item in enumerate(chosen):
        others = factors[:index] + factors[index + 1 :]
        found.append(abs(item.raw * (median(others) if others else 1.0) - item.measured) / item.measured)
    return found


def _usable(item: Past) -> bool:
    return all(math.isfinite(value) and value > 0 for value in (item.raw, item.measured))


def _same_device(one: Like, other: Like) -> bool:
    return (one.device, one.engine, one.stage, one.measure) == (other.device, other.engine, other.stage, other.measure)
