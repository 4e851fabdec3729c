"""What a node can find out (Measure), what it did find (Evidence), and what the spec demands of it (Target). Pure data."""

import math
from datetime import date
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ryot.calibration import calibration_error, ranking
from ryot.units import parse_quantity

Kind = Literal["count", "exact", "proportion", "percentile", "mean", "ratio", "calibration", "ranking"]
Comparison = Literal["<", "<=", ">", ">=", "=="]
Priority = Literal["must", "should"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Measure(_Frozen):
    """One number a node declares that it will find out. `unit` is "s", "bytes", "proportion", "tokens/s", "" and the like.

    A percentile names its quantile. A ratio says what it tells of the pairs (baseline, candidate): their
    `reduction` 1 - candidate / baseline, or their `speedup` baseline / candidate; `pair_unit` is the unit of the pairs themselves.
    A calibration is the expected calibration error of confidences, a ranking their AUROC: how well they tell right answers from wrong.
    `sample` is the word for one independent sample: "request", "document", "pair". An `optional` one may be left unmeasured where
    there turns out to be nothing to measure; a target on it then is no pass. A `fixed` one is of samples that another round of its
    node would find again, those of held-out documents: a further round adds nothing to it.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_.\-]*$")
    kind: Kind
    unit: str = ""
    about: str = ""
    quantile: float | None = Field(None, gt=0, lt=1)
    form: Literal["reduction", "speedup"] | None = None
    pair_unit: str = ""
    sample: str = "sample"
    optional: bool = False
    fixed: bool = False

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.kind == "percentile") != (self.quantile is not None):
            raise ValueError("a percentile, and only a percentile, names its quantile")
        if (self.kind == "ratio") != (self.form is not None):
            raise ValueError("a ratio, and only a ratio, names its form")
        return self


class Evidence(_Frozen):
    """The raw samples behind one measure. Which fields are filled depends on the kind:

    count: value, and of (trials) where there are any · exact: value · proportion: hits, of ·
    percentile and mean: samples · ratio: pairs of (baseline, candidate), taken side by side · calibration and ranking: pairs of
    (confidence, 1 where the answer was right, else 0).
    """

    value: float | None = None
    hits: int | None = Field(None, ge=0)
    of: int | None = Field(None, ge=0)
    samples: tuple[float, ...] = ()
    pairs: tuple[tuple[float, float], ...] = ()


def finite(evidence: Evidence) -> bool:
    """Whether every number in the evidence is finite; NaN and infinity are never evidence of success."""
    numbers = [evidence.value or 0.0, *evidence.samples, *(x for pair in evidence.pairs for x in pair)]
    return all(map(math.isfinite, numbers))


def size(measure: Measure, evidence: Evidence) -> int:
    """How many independent samples stand behind the measure."""
    match measure.kind:
        case "proportion" | "count":
            return evidence.of if evidence.of is not None else int(evidence.value is not None)
        case "percentile" | "mean":
            return len(evidence.samples)
        case "ratio" | "calibration" | "ranking":
            return len(evidence.pairs)
    return int(evidence.value is not None)


def point(measure: Measure, evidence: Evidence) -> float | None:
    """The measured value, in the measure's unit; None where there is no sample. Percentiles are nearest-rank order statistics."""
    if size(measure, evidence) == 0:
        return None
    match measure.kind:
        case "proportion":
            return None if evidence.hits is None or not evidence.of else evidence.hits / evidence.of
        case "percentile":
            assert measure.quantile is not None
            ranked = sorted(evidence.samples)
            return ranked[max(math.ceil(measure.quantile * len(ranked)), 1) - 1]
        case "mean":
            return math.fsum(evidence.samples) / len(evidence.samples)
        case "calibration":
            return calibration_error(evidence.pairs)
        case "ranking":
            return ranking(evidence.pairs)
        case "ratio":
            baseline = math.fsum(pair[0] for pair in evidence.pairs)
            candidate = math.fsum(pair[1] for pair in evidence.pairs)
            return ratio(measure, baseline, candidate)
    return evidence.value


def ratio(measure: Measure, baseline: float, candidate: float) -> float:
    """The reduction or the speed-up that a baseline and a candidate total (same unit) amount to."""
    if measure.form == "reduction":
        return 1 - candidate / baseline if baseline else math.nan
    return baseline / candidate if candidate else math.nan


class Waiver(_Frozen):
    """A must-target let go for a while: by whom, why, until when (ISO date). After that day it fails."""

    owner: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    expires: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")

    @field_validator("expires", mode="before")
    @classmethod
    def _is_a_day(cls, day: object) -> object:
        """YAML reads an unquoted 2026-12-31 as a date; what is no day of the calendar is refused."""
        if isinstance(day, str):
            date.fromisoformat(day)
        return f"{day:%Y-%m-%d}" if isinstance(day, date) else day


class Target(_Frozen):
    """What the spec demands of one measure. `bound` is in the measure's unit; `confidence` is that of the verdict."""

    measure: str = Field(pattern=r"^[^/\s]+/[^/\s]+$")
    comparison: Comparison
    bound: float
    unit: str = ""
    written: str
    priority: Priority = "must"
    confidence: float = Field(0.95, gt=0.5, lt=1)
    waiver: Waiver | None = None

    @property
    def node(self) -> str:
        """The node that is to find the measure out."""
        return self.measure.split("/")[0]

    @property
    def name(self) -> str:
        """The measure's name within its node."""
        return self.measure.split("/")[1]


def fits(target_unit: str, measure_unit: str) -> bool:
    """Whether a target's unit (as parse_quantity gives it) can be compared with a measure's.

    They are the same, or the target is a bare number or a proportion (`0.05`, `25%`) and the measure is no time, size, price or
    rate: there `50` could mean milliseconds as well as seconds.
    """
    if target_unit == measure_unit:
        return True
    return target_unit == "" and measure_unit not in ("s", "bytes", "usd") and not measure_unit.endswith(("/s", "/h"))


def meets(value: float, comparison: Comparison, bound: float) -> bool:
    """Whether a number satisfies a comparison."""
    match comparison:
        case "<":
            return value < bound
        case "<=":
            return value <= bound
        case ">":
            return value > bound
        case ">=":
            return value >= bound
    return value == bound


_WORDS: dict[str, Comparison] = {"at_least": ">=", "at_most": "<=", "more_than": ">", "less_than": "<", "equals": "=="}


def parse_target(text: object) -> object:
    """A target as written, `node/measure >= 25%` or a map, as the fields of Target. Raises ValueError."""
    if not isinstance(text, str | dict):
        return text
    if isinstance(text, str):
        words = text.split(maxsplit=2)
        if len(words) != 3 or words[1] not in ("<", "<=", ">", ">=", "=="):
            raise ValueError("write a target as `node/measure >= 25%`, with <, <=, >, >= or ==")
        if words[0].count("/") != 1:
            raise ValueError(f"`{words[0]}` is no measure of a node; write node/measure, as in bench.single/latency_p95")
        return {"measure": words[0], "comparison": words[1], "written": text, **_bound(words[2])}
    fields = dict(text)
    inner = [name for name in ("comparison", "bound", "unit", "written") if name in fields]
    if inner:
        raise ValueError(f"a target has no `{inner[0]}`; write its bound as one of {', '.join(_WORDS)}")
    found = [word for word in _WORDS if word in fields]
    if len(found) != 1:
        raise ValueError(f"a target needs exactly one of {', '.join(_WORDS)}")
    bound = fields.pop(found[0])
    if not isinstance(bound, str | int | float):
        raise ValueError(f"{found[0]} needs a number with its unit")
    written = f"{fields.get('measure')} {_WORDS[found[0]]} {bound}"
    return {**fields, "comparison": _WORDS[found[0]], "written": written, **_bound(bound)}


def _bound(text: str | float) -> dict[str, object]:
    quantity = parse_quantity(text)
    return {"bound": quantity.value, "unit": quantity.unit}
