"""What past predictions and their measurements say of a new prediction: a factor to correct it with, and how far off such ones were.

Pure arithmetic. A factor is only ever taken from the same device, engine and measure; where there is nothing alike, nothing is corrected.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

AS_STATED = "as stated"
TRUSTED = 3
"""So many measurements are believed whatever others say."""
FAR = 5.0
"""By so much fewer ones may differ from what the others tell."""
_NEWEST = 300
_ABSURD = 6


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
    """Correct a prediction by what was measured on the same device and engine, for the same stage and measure.

    Of the same shape: the median of what was measured, whatever was reckoned for it then. Of other shapes: `raw` times the median of
    measured / raw. Fewer than TRUSTED measurements of the shape count only where the others do not contradict them by more than FAR.
    The error is found by leaving each measurement out in turn and predicting it from the others; a single one is compared with what
    was predicted for it without correction.
    """
    usable = [item for item in past if _usable(item) and _same_device(item.like, like)][-_NEWEST:]
    same = [item for item in usable if item.like.shape == like.shape]
    others = [item for item in usable if item.like.shape != like.shape]
    if same and not _contradicted(same, others):
        value, what = median(item.measured for item in same), "of this shape"
        return Calibrated(value, value / raw if raw else 1.0, median(_errors(same, alike=True)), _basis(len(same), what))
    if not others:
        return Calibrated(raw, 1.0, None, AS_STATED)
    factor = median(item.measured / item.raw for item in others)
    return Calibrated(raw * factor, factor, median(_errors(others, alike=False)), _basis(len(others), "of other shapes on this device"))


def _contradicted(same: Sequence[Past], others: Sequence[Past]) -> bool:
    """Whether so few measurements lie so far from what many others would have told that a disturbance is likelier."""
    if len(same) >= TRUSTED or len(others) < TRUSTED:
        return False
    apart = median(item.measured / item.raw for item in same) / median(item.measured / item.raw for item in others)
    return not 1 / FAR <= apart <= FAR


def _basis(count: int, what: str) -> str:
    return f"{count} measurement{'' if count == 1 else 's'} {what}"


def relative_error(predicted: float, measured: float) -> float | None:
    """(predicted - measured) / |measured|: 0.1 is a tenth too much. None where nothing but zero was measured, or a number is not finite."""
    if measured == 0:
        return None
    error = (predicted - measured) / abs(measured)
    return error if math.isfinite(error) else None


def spread_of_errors(errors: Sequence[float]) -> tuple[float, float]:
    """The median and the 90th percentile (nearest rank) of |error|; at least one error."""
    ranked = sorted(abs(error) for error in errors)
    return median(ranked), ranked[math.ceil(0.9 * len(ranked)) - 1]


def _errors(chosen: Sequence[Past], *, alike: bool) -> list[float]:
    found = []
    for index, item in enumerate(chosen):
        rest = [*chosen[:index], *chosen[index + 1 :]]
        if not rest:
            guess = item.raw
        elif alike:
            guess = median(other.measured for other in rest)
        else:
            guess = item.raw * median(other.measured / other.raw for other in rest)
        found.append(abs(guess - item.measured) / item.measured)
    return found


def _usable(item: Past) -> bool:
    """Whether both numbers are positive and not absurdly far apart: nothing is a million times what was reckoned."""
    if not all(math.isfinite(value) and value > 0 for value in (item.raw, item.measured)):
        return False
    return abs(math.log10(item.measured) - math.log10(item.raw)) < _ABSURD


def _same_device(one: Like, other: Like) -> bool:
    return (one.device, one.engine, one.stage, one.measure) == (other.device, other.engine, other.stage, other.measure)
