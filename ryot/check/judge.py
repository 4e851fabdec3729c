"""All of a spec's targets against all that was measured. Pure: records come in as plain values, today's date as an argument."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ryot.check.looks import ALONE, ONE, Looks, pooled
from ryot.check.statistics import defect
from ryot.check.verdict import Status, Verdict, error, verdict_of
from ryot.measures import Evidence, Measure, Target, fits

_WORST: tuple[Status, ...] = ("ERROR", "FAIL", "INCONCLUSIVE", "PASS")


@dataclass(frozen=True, slots=True)
class Measured:
    """A declared measure with the raw evidence that a node recorded for it: of `rounds`, where more looks than one were promised, the
    evidence of each, which `evidence` pools."""

    measure: Measure
    evidence: Evidence
    rounds: tuple[Evidence, ...] = ()
    looks: Looks = ONE


def measured_in(measure: Measure, rounds: Sequence[Evidence], promised: int) -> Measured:
    """A measure that was taken in so many rounds, of the looks that were promised."""
    return Measured(measure, pooled(measure, rounds), tuple(rounds), Looks(len(rounds), promised))


def judge(targets: Sequence[Target], measured: Mapping[str, Measured], problems: Mapping[str, str], today: date) -> tuple[Verdict, ...]:
    """A verdict for each target, in order.

    `measured` is keyed node/name; `problems` says of a node why it has no record ("failed: ...", "was not run"), and of a
    measure, by node/name, why it was not taken.
    """
    return tuple(_judge(target, measured.get(target.measure), problems, today) for target in targets)


def _judge(target: Target, found: Measured | None, problems: Mapping[str, str], today: date) -> Verdict:
    if target.node in problems:
        return error(target, f"{target.node} {problems[target.node]}", today)
    if found is None:
        why = problems.get(target.measure)
        return error(target, f"{target.measure} was not measured{f': {why}' if why else ''}", today)
    if not fits(target.unit, found.measure.unit):
        wanted = target.unit or "a bare number"
        return error(
            target, f"the target is in {wanted}, the measure in {found.measure.unit or 'plain numbers'}", today, unit=found.measure.unit
        )
    for number, part in enumerate(found.rounds, start=1):
        if broken := defect(found.measure, part):
            return error(target, f"round {number}: {broken}", today, unit=found.measure.unit)
    if found.rounds and found.measure.kind in ALONE:
        return _worst([verdict_of(target, found.measure, part, today, found.looks) for part in found.rounds])
    return verdict_of(target, found.measure, found.evidence, today, found.looks)


def _worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict on the round that is farthest from the target: what a load did wrong once, further ones do not make good."""

    def badness(verdict: Verdict) -> tuple[int, float]:
        value = verdict.value or 0.0
        off = abs(value - verdict.bound) if verdict.comparison == "==" else value
        return _WORST.index(verdict.status), off if verdict.comparison in (">", ">=") else -off

    return min(verdicts, key=badness)
