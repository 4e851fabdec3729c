"""What a measure is in one run and in another, and whether it became worse. Pure.

The bounds of a difference are those of both sides put against each other, each side's at half the error: Bonferroni's inequality, which
asks nothing of how the two depend on each other, and is the wider for it. The error is shared among all measures that are asked about,
so that one false alarm among them has the stated probability at most.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ryot.check.judge import Measured
from ryot.check.statistics import defect, interval
from ryot.measures import Target, point, size

Change = Literal["same", "worse", "better", "other", "apart", "not shown", "missing", "new"]
"""same: the very samples · worse, better: shown, in the sense of a target · other: shown, and no target says which is better · apart: a
speed that differs, though two runs had the machine at two times · not shown: the bounds allow that nothing changed · missing: there before,
now without data · new: not there before."""

TOLERANCE = 0.05
"""What one number may differ and count as unchanged, as a share of what it was: times and bytes are never quite the same."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure, node/name, before and after; `low` and `high` bound after - before, in `unit`, None where there is no bound."""

    measure: str
    unit: str
    change: Change
    before: float | None
    after: float | None
    low: float | None = None
    high: float | None = None
    n_before: int = 0
    n_after: int = 0
    target: str | None = None

    @property
    def regressed(self) -> bool:
        """Whether a target's measure is shown to be worse."""
        return self.change == "worse"


def differences(
    before: Mapping[str, Measured],
    after: Mapping[str, Measured],
    targets: Sequence[Target],
    *,
    confidence: float = 0.95,
    speeds: bool = False,
) -> tuple[Difference, ...]:
    """Every measure of either run, in order of their names. A target says of its measure which way is worse; the first counts. `speeds`:
    times and rates are judged too, as on a machine that did nothing else in either run."""
    wanted = {target.measure: target for target in reversed(targets)}
    names = sorted({*before, *after, *wanted})
    each = 1 - (1 - confidence) / max(sum(name in wanted for name in names), 1)
    found = (_difference(name, before.get(name), after.get(name), wanted.get(name), each) for name in names)
    return tuple(each if speeds or not _is_speed(each) else replace(each, change="apart") for each in found)


def _is_speed(found: Difference) -> bool:
    """Whether a time or a rate is shown to differ: the samples of one run know nothing of what else the machine had to do in the other."""
    return found.change in ("worse", "better", "other") and (found.unit == "s" or found.unit.endswith("/s"))


def _difference(name: str, before: Measured | None, after: Measured | None, target: Target | None, confidence: float) -> Difference:
    """One measure. `confidence` is that of each bound of the difference."""
    values = [_value(side) for side in (before, after)]
    counts = [0 if side is None else size(side.measure, side.evidence) for side in (before, after)]
    known = after or before
    unit, written = known.measure.unit if known else "", target.written if target else None

    def told(change: Change, low: float | None = None, high: float | None = None) -> Difference:
        return Difference(name, unit, change, values[0], values[1], low, high, counts[0], counts[1], written)

    if before is None or after is None or None in values:
        return told("missing" if values[1] is None else "new")
    if before.evidence == after.evidence:
        return told("same", 0.0, 0.0)
    if before.measure.unit != after.measure.unit or before.measure.kind != after.measure.kind:
        return told("missing")
    low, high = bounds(before, after, confidence)
    finite = [bound if math.isfinite(bound) else None for bound in (low, high)]
    return told(_change(before, target, low, high), *finite)


def bounds(before: Measured, after: Measured, confidence: float) -> tuple[float, float]:
    """One-sided bounds of after - before, each at `confidence`."""
    half = 1 - (1 - confidence) / 2
    (low_before, high_before), (low_after, high_after) = (interval(side.measure, side.evidence, half) for side in (before, after))
    return low_after - high_before, high_after - low_before


def _change(before: Measured, target: Target | None, low: float, high: float) -> Change:
    """What the bounds of the difference show."""
    slack = 0.0
    if before.measure.kind == "exact":
        slack = TOLERANCE * abs(point(before.measure, before.evidence) or 0.0)
    if low <= slack and high >= -slack:
        return "not shown"
    if target is None:
        return "other"
    if target.comparison == "==":
        return "worse" if _farther(before, target.bound, low, high) else "better"
    return "worse" if (low > slack) == (target.comparison in ("<", "<=")) else "better"


def _farther(before: Measured, bound: float, low: float, high: float) -> bool:
    """Whether a value that should equal `bound` has gone away from it."""
    was = point(before.measure, before.evidence) or 0.0
    return abs(was + (low + high) / 2 - bound) > abs(was - bound)


def _value(side: Measured | None) -> float | None:
    if side is None or defect(side.measure, side.evidence) is not None:
        return None
    return point(side.measure, side.evidence)
