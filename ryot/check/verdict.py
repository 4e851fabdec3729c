"""One target against one measure's evidence. Pure; the invariant is that without data there is no PASS.

PASS when the conservative bound meets the target, FAIL when even the other bound misses it, INCONCLUSIVE between the two,
ERROR when there is nothing to judge.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from ryot.check.looks import ONE, Looks, at_level
from ryot.check.sizes import fewest_samples
from ryot.check.statistics import defect, interval, rate_bound, samples_needed
from ryot.measures import Comparison, Evidence, Measure, Priority, Target, Waiver, meets, point, size
from ryot.units import show

Status = Literal["PASS", "FAIL", "INCONCLUSIVE", "ERROR"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence says of one target.

    `target` is as written, `measure` is node/name, `low` and `high` are one-sided bounds in `unit` (None: no bound yet), `n` the
    independent samples. `waived` names owner, day and reason of a waiver in force; such a verdict does not count for the exit code.
    `looks` were made, of `promised` at most; `confidence` is that of all of them together.
    """

    target: str
    measure: str
    comparison: Comparison
    bound: float
    status: Status
    reason: str
    priority: Priority = "must"
    confidence: float = 0.95
    unit: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    waived: str | None = None
    looks: int = 1
    promised: int = 1

    @property
    def level(self) -> float:
        """The confidence at which each look was judged."""
        return Looks(self.looks, self.promised).level(self.confidence)

    @property
    def counts(self) -> bool:
        """Whether it bears on the exit code."""
        return self.priority == "must" and self.waived is None


def verdict_of(asked: Target, measure: Measure, evidence: Evidence, today: date, looks: Looks = ONE) -> Verdict:
    """Judge one target by a measure whose unit fits it, at its share of the error where more than one look was promised."""
    broken = defect(measure, evidence)
    if broken is not None:
        return error(asked, broken, today, unit=measure.unit, n=size(measure, evidence))
    target = at_level(asked, looks)
    low, high = interval(measure, evidence, _confidence_of_a_bound(target))
    status = _status(target, low, high)
    reason = _reason(status, target, measure, evidence, (low, high))
    if looks.promised > 1:
        reason += f"; {looks.words(asked.confidence)}"
    return Verdict(
        target=target.written,
        measure=target.measure,
        comparison=target.comparison,
        bound=target.bound,
        status=status,
        reason=_with_waiver(reason, target.waiver, today),
        priority=target.priority,
        confidence=asked.confidence,
        unit=measure.unit,
        value=point(measure, evidence),
        low=low if math.isfinite(low) else None,
        high=high if math.isfinite(high) else None,
        n=size(measure, evidence),
        waived=_in_force(target.waiver, today),
        looks=looks.made,
        promised=looks.promised,
    )


def still_needed(target: Target, measure: Measure, evidence: Evidence) -> int | None:
    """About how many more samples until a verdict can stand, if they are like those there are; None where that cannot be known, or no
    number of samples would do."""
    fewest = fewest_samples(measure, target.comparison, target.bound, target.confidence)
    if fewest is None:
        return None
    more = samples_needed(measure, evidence, target.comparison, target.bound, target.confidence)
    n = size(measure, evidence)
    return max(fewest - n, more or 0) if n < fewest else more


def error(target: Target, reason: str, today: date, *, unit: str = "", n: int = 0) -> Verdict:
    """The verdict on a target for which there is nothing to judge."""
    return Verdict(
        target=target.written,
        measure=target.measure,
        comparison=target.comparison,
        bound=target.bound,
        status="ERROR",
        reason=_with_waiver(reason, target.waiver, today),
        priority=target.priority,
        confidence=target.confidence,
        unit=unit,
        n=n,
        waived=_in_force(target.waiver, today),
    )


def joint_confidence(verdicts: Iterable[Verdict]) -> tuple[int, float]:
    """How many PASSes of must-targets rest on bounds, and the confidence with which all of them hold together: 1 less the sum of their
    errors, 0 where that comes to less (Bonferroni's inequality, which holds whatever they have to do with each other). What was compared
    directly adds no error."""
    errors = [1 - verdict.confidence for verdict in verdicts if verdict.counts and verdict.status == "PASS" and verdict.low != verdict.high]
    return len(errors), max(1 - math.fsum(errors), 0.0)


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """1 when a must-target that is not waived FAILs, else 5 when one is INCONCLUSIVE or ERROR, else 0."""
    found = {verdict.status for verdict in verdicts if verdict.counts}
    if "FAIL" in found:
        return 1
    return 5 if found - {"PASS"} else 0


def _confidence_of_a_bound(target: Target) -> float:
    """`==` can be missed on either side, so each bound of its interval may err half as often."""
    return (1 + target.confidence) / 2 if target.comparison == "==" else target.confidence


def _status(target: Target, low: float, high: float) -> Status:
    if meets(low, target.comparison, target.bound) and meets(high, target.comparison, target.bound):
        return "PASS"
    if target.comparison == "==":
        return "INCONCLUSIVE" if low <= target.bound <= high and low < high else "FAIL"
    best = low if target.comparison in ("<", "<=") else high
    return "INCONCLUSIVE" if meets(best, target.comparison, target.bound) else "FAIL"


def _reason(status: Status, target: Target, measure: Measure, evidence: Evidence, bounds: tuple[float, float]) -> str:
    if measure.kind in ("count", "exact"):
        return rate_bound(evidence, target.confidence) or "compared directly"
    if status == "INCONCLUSIVE":
        return _what_is_missing(target, measure, evidence)
    low, high = bounds
    sure = f"at {target.confidence * 100:g} %"
    if target.comparison == "==":
        return f"between {show(low, measure.unit)} and {show(high, measure.unit)} {sure}"
    at_most = (status == "PASS") == (target.comparison in ("<", "<="))
    return f"at most {show(high, measure.unit)} {sure}" if at_most else f"at least {show(low, measure.unit)} {sure}"


def _what_is_missing(target: Target, measure: Measure, evidence: Evidence) -> str:
    """Why the evidence does not settle it, and how many more samples would."""
    fewest = fewest_samples(measure, target.comparison, target.bound, target.confidence)
    if fewest is None:
        return f"no number of samples shows a {measure.kind} to be exactly that; leave a margin in the target"
    n, more = size(measure, evidence), still_needed(target, measure, evidence)
    if n < fewest:
        return f"{_called(measure)} needs {fewest:,} samples at {target.confidence * 100:g} %, there are {n:,}: at least {more:,} more"
    if more is None:
        return "too close to the target: how many more samples would settle it cannot be told"
    return f"about {more:,} more sample{'s' if more != 1 else ''} like these would settle it"


def _called(measure: Measure) -> str:
    return f"a p{measure.quantile * 100:g}" if measure.quantile is not None else f"a {measure.kind}"


def _in_force(waiver: Waiver | None, today: date) -> str | None:
    if waiver is None or today.isoformat() > waiver.expires:
        return None
    return f"{waiver.owner}, until {waiver.expires}: {waiver.reason}"


def _with_waiver(reason: str, waiver: Waiver | None, today: date) -> str:
    if waiver is None:
        return reason
    if today.isoformat() > waiver.expires:
        return f"{reason}; the waiver of {waiver.owner} expired on {waiver.expires}"
    return f"{reason}; waived by {waiver.owner} until {waiver.expires}: {waiver.reason}"
