"""Joins what was predicted before a run with what it measured. Predictions are kept in the run's folder before anything starts, so
that a run that was killed is settled by a later one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from pydantic import TypeAdapter, ValidationError

from ryot.engine.survey import plan_of
from ryot.errors import NodeError
from ryot.estimate.calibration import Prediction
from ryot.files import write_durable
from ryot.measures import point
from ryot.plan.plan import Plan
from ryot.store.journal import Run
from ryot.store.ledger import Entry, append
from ryot.store.record import Record
from ryot.store.store import Store

_PREDICTIONS = "predictions.json"
_FORM = TypeAdapter(dict[str, Prediction])


def keep(predictions: Mapping[str, Prediction], run: Run) -> None:
    """Write down what is expected of a run, by node/measure, before it starts."""
    write_durable(run.folder / _PREDICTIONS, _FORM.dump_json(dict(predictions), indent=1))


def settle(store: Store, runs: Iterable[Run]) -> int:
    """Add to the ledger what these runs predicted and measured; what is there already stays as it is. Returns how many entries are new."""
    found: list[Entry] = []
    for run in runs:
        plan, predictions = plan_of(run), _kept(run)
        if plan is not None and predictions:
            found += entries_of(plan, store, predictions, run)
    return append(store.root, found)


def entries_of(plan: Plan, store: Store, predictions: Mapping[str, Prediction], run: Run) -> list[Entry]:
    """An entry for each prediction whose node ran and was finished in this run. A node that was finished before has its entry already."""
    finished = {event["node"] for event in run.events() if event["event"] == "finished" and "node" in event}
    found: list[Entry] = []
    for node in plan.nodes:
        wanted = {name: item for name, item in predictions.items() if name.split("/")[0] == node.name}
        record = store.record(node.stage, node.key) if wanted and node.name in finished else None
        if record is not None:
            values = _values(node.name, record, store)
            found += [_entry(record, item, values[name], plan, run) for name, item in wanted.items() if name in values]
    return found


def _entry(record: Record, prediction: Prediction, measured: float, plan: Plan, run: Run) -> Entry:
    node, name = prediction.measure.split("/")
    return Entry(
        at=record.finished,
        run=run.id,
        spec=plan.name,
        node=node,
        stage=record.stage,
        measure=name,
        unit=prediction.unit,
        device=record.device,
        engine=prediction.engine,
        shape=prediction.shape,
        raw=prediction.raw,
        predicted=prediction.value,
        measured=measured,
        key=record.key,
    )


def _values(node: str, record: Record, store: Store) -> dict[str, float]:
    """The finite point estimate of each of a record's measures, by node/name; none where its samples cannot be read."""
    try:
        evidence = store.evidence(record)
    except NodeError:  # damaged; `ryot apply` says so
        return {}
    points = {measure.name: point(measure, evidence[measure.name]) for measure in record.measures if measure.name in evidence}
    return {f"{node}/{name}": value for name, value in points.items() if value is not None and math.isfinite(value)}


def _kept(run: Run) -> dict[str, Prediction]:
    try:
        found = _FORM.validate_json((run.folder / _PREDICTIONS).read_bytes())
    except (OSError, ValidationError):
        return {}
    return {name: item for name, item in found.items() if name == item.measure and name.count("/") == 1 and _finite(item)}


def _finite(prediction: Prediction) -> bool:
    return math.isfinite(prediction.raw) and math.isfinite(prediction.value)
