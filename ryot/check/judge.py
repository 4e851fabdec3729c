"""All of a spec's targets against all that was measured. Pure: records come in as plain values, today's date as an argument."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ryot.check.verdict import Verdict, error, verdict_of
from ryot.measures import Evidence, Measure, Target, fits


@dataclass(frozen=True, slots=True)
class Measured:
    """A declared measure with the raw evidence that a node recorded for it."""

    measure: Measure
    evidence: Evidence


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
    return verdict_of(target, found.measure, found.evidence, today)
