"""What every report shows, as plain frozen data; the reports only lay it out. No disk, no clock."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ryot.check.judge import Measured
from ryot.check.statistics import defect, interval
from ryot.check.verdict import Verdict, exit_code
from ryot.errors import MachineError, NodeError
from ryot.estimate.claims import ClaimRow
from ryot.measures import point, size
from ryot.report.datasheet import Datasheet
from ryot.report.load_charts import Rate
from ryot.report.load_errors import ErrorRow, rows_of_errors

CONFIDENCE = 0.95
"""Of the bounds in the table of measures; a verdict's own confidence is its target's."""


@dataclass(frozen=True, slots=True)
class Heading:
    """Whose report this is. `date` is an ISO date or time as text; an empty text is left out."""

    spec: str
    run: str = ""
    profile: str | None = None
    device: str = ""
    date: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One node: `state` as the plan or the run names it, `seconds` None where it did not run, `why` it ran or failed. `kind` is the class
    of the error of a failed one, where the run says it."""

    name: str
    stage: str
    state: str
    seconds: float | None = None
    why: str = ""
    key: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """One measure with its one-sided bounds at 95 %, in `unit`; None where there is no value or no bound."""

    measure: str
    kind: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    about: str = ""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the plan had reckoned of a node, and what was measured, in `unit`; `error` as a proportion of what was measured, None where that
    was 0."""

    node: str
    measure: str
    unit: str
    predicted: float
    measured: float
    error: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """All that a report can show. `histories`: loss per update by node, `looks`: (update, loss) on held-out documents. `latencies`:
    seconds by node. `blocks`: pairs of (baseline, candidate) seconds by node/measure. `paces`: tokens/s in equal windows by load,
    `rates`: prompts/s by batch. `comparison`: the compare stage's own report, `sweep`, `validation`, `scores` (evaluate's) and
    `tuning` (autotune's): those stages', if there are any."""

    heading: Heading
    nodes: tuple[NodeRow, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    measures: tuple[MeasureRow, ...] = ()
    claims: tuple[ClaimRow, ...] = ()
    comparison: Mapping[str, object] | None = None
    datasheet: Datasheet | None = None
    sweep: Mapping[str, Any] | None = None
    validation: Mapping[str, Any] | None = None
    scores: Mapping[str, Any] | None = None
    tuning: Mapping[str, Any] | None = None
    histories: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    looks: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    latencies: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    blocks: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    paces: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    rates: tuple[Rate, ...] = ()
    predictions: tuple[Prediction, ...] = ()
    errors: tuple[ErrorRow, ...] = ()

    @property
    def failed(self) -> tuple[NodeRow, ...]:
        """The nodes that failed."""
        return tuple(node for node in self.nodes if node.state == "failed")

    @property
    def exit_code(self) -> int:
        """3 where only the machine kept nodes from finishing, 4 where one failed otherwise, else what the verdicts amount to."""
        if not self.failed:
            return exit_code(self.verdicts)
        by_machine = {node.kind for node in self.failed} == {MachineError.__name__}
        return MachineError.exit_code if by_machine else NodeError.exit_code


@dataclass(frozen=True, slots=True)
class Left:
    """What stages left for the report beside their measures: compare's own, the documents' way, a sweep's trials, the checklist, the
    evaluation's scores, what was tuned, losses by node; `loads`: the nodes that put a load on the server, `batches`: the size of batch of
    each that is one client's; what the plan had reckoned; `errors`: failed requests by load and what they failed with."""

    comparison: Mapping[str, object] | None = None
    datasheet: Datasheet | None = None
    sweep: Mapping[str, Any] | None = None
    validation: Mapping[str, Any] | None = None
    scores: Mapping[str, Any] | None = None
    tuning: Mapping[str, Any] | None = None
    histories: Mapping[str, Sequence[float]] = field(default_factory=dict)
    looks: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    loads: Sequence[str] = ()
    batches: Mapping[str, int] = field(default_factory=dict)
    predictions: Sequence[Prediction] = ()
    errors: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def summarise(
    heading: Heading,
    nodes: Sequence[NodeRow],
    verdicts: Sequence[Verdict],
    measured: Mapping[str, Measured],
    *,
    claims: Sequence[ClaimRow] = (),
    left: Left | None = None,
) -> Summary:
    """Gather a summary; the table of measures, latencies and speed blocks are taken from `measured`, keyed node/name."""
    left = left or Left()
    return Summary(
        heading=heading,
        nodes=tuple(nodes),
        verdicts=tuple(verdicts),
        measures=tuple(_measure_row(name, found) for name, found in sorted(measured.items())),
        claims=tuple(claims),
        comparison=left.comparison,
        datasheet=left.datasheet,
        sweep=left.sweep,
        validation=left.validation,
        tuning=left.tuning,
        scores=left.scores,
        histories={node: tuple(losses) for node, losses in left.histories.items()},
        looks={node: tuple(points) for node, points in left.looks.items()},
        latencies=_latencies(measured),
        blocks={name: found.evidence.pairs for name, found in sorted(measured.items()) if _timed_blocks(found)},
        paces=_paces(left.loads, measured),
        rates=tuple(_rates(left.batches, measured)),
        predictions=tuple(left.predictions),
        errors=rows_of_errors(left.errors, _requests(left.errors, measured)),
    )


def _requests(loads: Iterable[str], measured: Mapping[str, Measured]) -> dict[str, int]:
    """How many requests each load had."""
    counts = {node: found.evidence.of for node in loads if (found := measured.get(f"{node}/errors"))}
    return {node: of for node, of in counts.items() if of is not None}


def _paces(loads: Sequence[str], measured: Mapping[str, Measured]) -> dict[str, tuple[float, ...]]:
    """Tokens a second by window, of the loads with most requests first."""
    found = {node: measured[f"{node}/tokens_per_s"].evidence.samples for node in loads if f"{node}/tokens_per_s" in measured}
    requests = {node: len(of.evidence.samples) for node in found if (of := measured.get(f"{node}/latency_p50"))}
    return dict(sorted(found.items(), key=lambda pair: -requests.get(pair[0], 0)))


def _rates(batches: Mapping[str, int], measured: Mapping[str, Measured]) -> Iterator[Rate]:
    """Prompts a second: right answers a second times the prompts in each."""
    for node, batch in batches.items():
        found = measured.get(f"{node}/requests_per_s")
        row = _measure_row(node, found) if found else None
        if row and row.value is not None:
            bounds = [None if bound is None else bound * batch for bound in (row.low, row.high)]
            yield Rate(node, batch, row.value * batch, *bounds)


def _timed_blocks(found: Measured) -> bool:
    return found.measure.pair_unit == "s" and len(found.evidence.pairs) > 1


def _measure_row(name: str, found: Measured) -> MeasureRow:
    measure, evidence = found.measure, found.evidence
    value: float | None = None
    low, high = -math.inf, math.inf
    if defect(measure, evidence) is None:
        value, (low, high) = point(measure, evidence), interval(measure, evidence, CONFIDENCE)
    return MeasureRow(
        measure=name,
        kind=measure.kind,
        unit=measure.unit,
        value=value,
        low=low if math.isfinite(low) else None,
        high=high if math.isfinite(high) else None,
        n=size(measure, evidence),
        about=measure.about,
    )


def _latencies(measured: Mapping[str, Measured]) -> dict[str, tuple[float, ...]]:
    """The samples of each node's first percentile in seconds; its percentiles share them."""
    found: dict[str, tuple[float, ...]] = {}
    for name, item in sorted(measured.items()):
        if item.measure.kind == "percentile" and item.measure.unit == "s" and item.evidence.samples:
            found.setdefault(name.split("/")[0], item.evidence.samples)
    return found
