"""Whether a plan takes enough samples to certify its targets, before anything runs. Pure, standard library only (no numpy: `ryot plan`).

A row is a promise about the evidence, never about the outcome: enough samples show the truth, which may miss the target.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ryot.check.sizes import fewest_samples, first, proportion_bounds, ranks, size_for_share
from ryot.check.spread import reach, size_for_distance
from ryot.measures import Comparison, Evidence, Kind, Measure, Priority, Target, finite, meets, point, size
from ryot.units import show

_MARGIN = 0.1
"""How far from the bound a rate is imagined to lie, as a share of the bound, where none was measured yet."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A measure of a plan, and how many independent samples will stand behind it; None where nobody knows before a first run."""

    measure: Measure
    provided: int | None = None


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """What one target's confidence takes. `target` is as written, `measure` is node/name.

    `needed` is the least number of samples; None where no number would do, or none can be told yet. `ok` is False where the target
    cannot be certified as planned, None where that cannot be known before a first run. `waived` names owner and day of a waiver.
    """

    target: str
    measure: str
    comparison: Comparison
    bound: float
    unit: str
    confidence: float
    kind: Kind
    priority: Priority
    provided: int | None
    needed: int | None
    ok: bool | None
    words: str
    waived: str | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    needed: int | None
    ok: bool | None
    words: str


def plan_evidence(
    targets: Sequence[Target], expected: Mapping[str, Expected], seen: Mapping[str, Evidence] | None = None
) -> tuple[EvidenceRow, ...]:
    """A row for each target, in order, whatever its priority and waiver. `expected` and `seen` are keyed node/name.

    `seen` holds what the same measure's samples were when it was last taken: its spread and its shares are what is reckoned with,
    and their number stands in where the plan does not know it.
    """
    earlier = seen or {}
    return tuple(_row(target, expected[target.measure], earlier.get(target.measure)) for target in targets if target.measure in expected)


def _row(target: Target, expected: Expected, seen: Evidence | None) -> EvidenceRow:
    measure = expected.measure
    usable = seen if seen is not None and finite(seen) and point(measure, seen) is not None else None
    provided = expected.provided
    if provided is None and measure.kind == "exact":
        provided = 1
    if provided is None and usable is not None:
        provided = size(measure, usable)
    found = _found(_Case(target, measure, provided, usable, planned=expected.provided is not None))
    return EvidenceRow(
        target=target.written,
        measure=target.measure,
        comparison=target.comparison,
        bound=target.bound,
        unit=measure.unit,
        confidence=target.confidence,
        kind=measure.kind,
        priority=target.priority,
        provided=provided,
        needed=found.needed,
        ok=found.ok,
        words=found.words,
        waived=f"{target.waiver.owner}, until {target.waiver.expires}" if target.waiver else None,
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """A target with all that is known of its evidence, and the words that are said of it."""

    target: Target
    measure: Measure
    provided: int | None
    seen: Evidence | None
    planned: bool

    @property
    def called(self) -> str:
        """`p99`, or the measure's name."""
        return f"p{self.measure.quantile * 100:g}" if self.measure.quantile is not None else self.measure.name

    @property
    def at(self) -> str:
        """`at 95 %`."""
        return f"at {self.target.confidence * 100:g} %"

    @property
    def upper(self) -> bool:
        """Whether the target asks for at most something."""
        return self.target.comparison in ("<", "<=")

    def many(self, count: int) -> str:
        """`200 requests`."""
        return f"{count:,} {self.measure.sample}{'' if count == 1 else 's'}"

    def met(self, value: float) -> bool:
        """Whether a value satisfies the target."""
        return meets(value, self.target.comparison, self.target.bound)


def _found(case: _Case) -> _Found:
    """What a target takes and whether it gets it: first what holds whatever the samples will be, then what the last ones tell."""
    if case.measure.kind in ("count", "exact"):
        return _Found(1, True, _direct(case))
    target, n = case.target, case.provided
    fewest = fewest_samples(case.measure, target.comparison, target.bound, target.confidence)
    if fewest is None:
        words = f"no number of samples shows a {case.measure.kind} to be exactly that; leave a margin in the target"
        if target.comparison != "==" and not any(case.met(share) for share in (0.0, 1.0)):
            words = f"no {case.measure.kind} is {target.comparison} that"
        return _Found(None, False, words)
    if n is None:
        return _Found(fewest, None, f"how many {case.measure.sample}s it takes is known after a first run; {fewest:,} needed {case.at}")
    if n < fewest:
        return _Found(fewest, False, f"{case.called} with {case.many(n)} cannot be certified: {fewest:,} needed {case.at}")
    if case.measure.kind in ("calibration", "ranking"):
        return _Found(fewest, None, f"{case.many(n)} planned, at least {fewest:,} needed {case.at}; the answers decide how many show it")
    if case.seen is not None:
        return _as_last_time(case, case.seen, n, fewest)
    if case.measure.kind in ("mean", "ratio"):
        return _Found(fewest, None, f"unknown before a first run; {case.many(n)} planned, at least {fewest} needed")
    return _Found(fewest, True, _percentile(case, n, fewest) if case.measure.kind == "percentile" else _proportion(case, n, fewest))


def _direct(case: _Case) -> str:
    """A count is judged as it is; what rate its trials can show is said beside it (0 of n: the rule of three, exactly)."""
    if case.measure.kind == "exact":
        return "compared directly"
    target = case.target
    most = math.ceil(target.bound) - 1 if target.comparison == "<" else math.floor(target.bound)
    if target.comparison in (">", ">=") or not case.provided or not 0 <= most <= case.provided:
        return "compared directly"
    _, high = proportion_bounds(most, case.provided, target.confidence)
    shown = f"a rate below {math.ceil(high * 1e4 - 1e-9) / 100:.2f} %" if high < 1 else "nothing about the rate"
    return f"compared directly; {most:,} of {case.many(case.provided)} would show {shown} {case.at}"


def _percentile(case: _Case, n: int, fewest: int) -> str:
    """How many of the samples may lie on the wrong side of the bound for the order statistic still to certify it."""
    quantile, confidence = case.measure.quantile, case.target.confidence
    assert quantile is not None
    if case.upper:
        spare = n - ranks(n, quantile, confidence)[1]
        return f"{case.called} with {case.many(n)}: {fewest:,} needed {case.at}; at most {spare:,} may miss the bound"
    return f"{case.called} with {case.many(n)}: {fewest:,} needed {case.at}"


def _proportion(case: _Case, n: int, fewest: int) -> str:
    """How many hits certify it, and the size it takes where the truth lies a tenth from the bound."""
    target, bound = case.target, case.target.bound
    hits = _hits(case, n)
    shown = f"{case.called} with {case.many(n)}: shown by {'at most' if case.upper else 'at least'} {hits:,} of them {case.at}"
    truth = bound * (1 - _MARGIN) if case.upper else min(bound * (1 + _MARGIN), (1 + bound) / 2)
    wanted = size_for_share(truth, bound, target.confidence)
    return f"{shown}; about {max(wanted, fewest):,} needed if the truth is {show(truth, 'proportion')}" if wanted else shown


def _hits(case: _Case, n: int) -> int:
    """The number of hits of n from which, or up to which, Clopper and Pearson's bound meets the target. n is at least the fewest."""
    confidence = case.target.confidence
    if case.upper:
        return first(lambda hits: not case.met(proportion_bounds(hits, n, confidence)[1]), n) - 1
    return first(lambda hits: case.met(proportion_bounds(hits, n, confidence)[0]), n)


def _as_last_time(case: _Case, seen: Evidence, n: int, fewest: int) -> _Found:
    """What the target takes if the samples are like the last ones."""
    value = point(case.measure, seen)
    assert value is not None
    last = show(value, case.measure.unit)
    if not case.met(value):
        words = f"{last} last time, which misses the target: more {case.measure.sample}s would not show it"
        return _Found(None, None, words + _limit(case, seen, n))
    needed = _size_as_last_time(case, seen)
    if needed is None:
        words = f"{last} last time: too close to the target for any number of {case.measure.sample}s to be told"
        return _Found(None, None, words)
    needed = max(needed, fewest)
    if needed > n:
        words = f"{case.called} with {case.many(n)} can hardly be certified: about {needed:,} needed {case.at} if it is {last} as last time"
        return _Found(needed, False, words)
    words = f"{case.many(n)} {'planned' if case.planned else 'last time'}, about {needed:,} needed {case.at} if it is {last} as last time"
    return _Found(needed, True, words + _limit(case, seen, n))


def _limit(case: _Case, seen: Evidence, n: int) -> str:
    """How near to the bound a ratio may lie for n pairs of last time's spread to show it."""
    found = reach(case.measure, seen, case.target.bound, case.target.confidence, n) if case.measure.kind == "ratio" else None
    if found is None:
        return ""
    return f"; {case.many(n)} can show {show(found[0 if case.upper else 1], case.measure.unit)} or {'less' if case.upper else 'more'}"


def _size_as_last_time(case: _Case, seen: Evidence) -> int | None:
    """The size at which the exact bound of last time's share, or Student's t of last time's spread, clears the target."""
    n, bound, confidence = size(case.measure, seen), case.target.bound, case.target.confidence
    if case.measure.kind == "proportion":
        return size_for_share((seen.hits or 0) / n, bound, confidence)
    if case.measure.kind == "percentile":
        assert case.measure.quantile is not None
        touching: Comparison = "<=" if case.target.comparison in ("<=", ">") else "<"
        below = sum(meets(sample, touching, bound) for sample in seen.samples)
        return size_for_share(below / n, case.measure.quantile, confidence)
    return size_for_distance(case.measure, seen, bound, confidence)
