"""Everything a report shows, gathered from a plan and its store. Reads; never writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ryot.check.judge import judge
from ryot.engine.outcome import FAILED, measured
from ryot.engine.rounds import known
from ryot.engine.survey import survey
from ryot.estimate.claims import audit
from ryot.estimate.estimates import estimate
from ryot.plan.plan import Plan, PlannedNode
from ryot.plugins.documents import INDEX as DOCUMENTS
from ryot.report.datasheet import Datasheet, datasheet_of
from ryot.report.estimates_view import error_of
from ryot.report.summary import Heading, Left, NodeRow, Prediction, Summary, summarise
from ryot.spec.spec import Spec
from ryot.store.journal import Run
from ryot.store.ledger import read
from ryot.store.store import Store

SHOWN = (
    "comparison.json",
    "sweep.json",
    "deployment_validation_report.json",
    "scores.json",
    "history.json",
    "settings.json",
    "errors.json",
    DOCUMENTS,
)
"""What reports show of a node's result beside its measures."""


def gather(plan: Plan, store: Store, spec: Spec, run: Run | None, now: datetime) -> Summary:
    """The summary of a plan as the store has it now, with all rounds of its nodes; every verdict is derived anew from the raw samples. What
    failed in `run` and is not finished since has failed."""
    plan = known(plan, store)
    found, problems = measured(plan, store)
    heading = Heading(
        spec=plan.name,
        run=run.id if run else "",
        profile=plan.profile,
        device=plan.device,
        date=f"{now:%Y-%m-%d %H:%M} UTC",
        version=version("ryot"),
    )
    return summarise(
        heading,
        _nodes(plan, store, problems, _ends(run)),
        judge(plan.targets, found, problems, now.date()),
        found,
        claims=() if plan.here is None else audit(spec, estimate(spec, plan.here)),
        left=Left(
            _left(plan, store, "compare", "comparison.json"),
            _datasheet(plan, store, spec),
            _left(plan, store, "sweep", "sweep.json"),
            _left(plan, store, "validation", "deployment_validation_report.json"),
            _left(plan, store, "evaluate", "scores.json"),
            _left(plan, store, "autotune", "settings.json"),
            *_histories(plan, store),
            loads=[node.name for node in plan.nodes if node.stage == "bench"],
            batches={node.name: node.config["batch"] for node in plan.nodes if node.stage == "bench" and node.config["users"] == 1},
            predictions=_predictions(plan, store),
            errors=_errors(plan, store),
        ),
    )


_End = tuple[str, str, str]
"""How a node ended: its state, why, and the class of its error."""


def _nodes(plan: Plan, store: Store, problems: Mapping[str, str], ends: Mapping[str, _End]) -> list[NodeRow]:
    states = survey(plan, store)
    rows = []
    for node in plan.nodes:
        record = None if node.is_service else store.record(node.stage, node.key)
        found = states[node.name]
        state, why, kind = ("service", "", "") if node.is_service else (found.state, found.why, "")
        if record:
            state, why = "finished", ""
        elif node.name in ends:
            state, why, kind = ends[node.name]
        elif problems.get(node.name, "").startswith(FAILED):
            state, why = "failed", problems[node.name].removeprefix(FAILED)
        rows.append(NodeRow(node.name, node.stage, state, record.seconds if record else None, why, node.key, kind))
    return rows


def _ends(run: Run | None) -> dict[str, _End]:
    """The nodes that failed in a run or were skipped for those, by the last that the journal says of each."""
    ends: dict[str, _End] = {}
    for event in run.events() if run else ():
        match event:
            case {"event": "failed", "node": str(name), "message": message}:
                ends[name] = "failed", str(message), str(event.get("kind", ""))
            case {"event": "skipped", "node": str(name), "because": because}:
                ends[name] = "skipped", f"it needs {because}", ""
            case {"event": "started" | "finished" | "fetched" | "ready", "node": str(name)}:
                ends.pop(name, None)
    return ends


def _out(store: Store, node: PlannedNode) -> Path:
    return store.folder(node.stage, node.key) / "out"


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError):
        return None


def _left(plan: Plan, store: Store, stage: str, name: str) -> Mapping[str, Any] | None:
    """A stage's own report, if it is finished."""
    for node in plan.nodes:
        if node.stage == stage and store.record(node.stage, node.key):
            found = _read(_out(store, node) / name)
            return found if isinstance(found, dict) else None
    return None


def _errors(plan: Plan, store: Store) -> dict[str, dict[str, int]]:
    """Failed requests of each finished load, by what they failed with."""
    found = {}
    for node in plan.nodes:
        if node.stage == "bench" and store.record(node.stage, node.key):
            words = _read(_out(store, node) / "errors.json")
            found[node.name] = (
                {str(word): count for word, count in words.items() if isinstance(count, int)} if isinstance(words, dict) else {}
            )
    return found


def _datasheet(plan: Plan, store: Store, spec: Spec) -> Datasheet | None:
    """The way of the documents, as far as it is finished: the last node that left documents."""
    for node in reversed(plan.nodes):
        record = None if node.is_service else store.record(node.stage, node.key)
        if record and DOCUMENTS in record.files and isinstance(facts := _read(_out(store, node) / DOCUMENTS), dict):
            return datasheet_of(node.name, node.key, record.files[DOCUMENTS].sha256, facts, spec.data.sources)
    return None


def _predictions(plan: Plan, store: Store) -> list[Prediction]:
    """What was reckoned before these very nodes ran, beside what they measured."""
    names = {node.key: node.name for node in plan.nodes}
    return [
        Prediction(names[entry.key], entry.measure, entry.unit, entry.predicted, entry.measured, error_of(entry))
        for entry in read(store.root)
        if entry.key in names
    ]


def _histories(plan: Plan, store: Store) -> tuple[dict[str, list[float]], dict[str, list[tuple[float, float]]]]:
    """Of every finished training, the loss after each update, and those on held-out documents with their updates. A rehearsal's says
    nothing of the model."""
    losses, looks = {}, {}
    for node in plan.nodes:
        trained = node.stage in ("train", "finetune", "align") and not node.name.startswith("rehearsal.")
        if trained and store.record(node.stage, node.key):
            history = _read(_out(store, node) / "history.json")
            history = history if isinstance(history, dict) else {}
            losses[node.name] = [update["loss"] for update in history.get("updates", []) if isinstance(update.get("loss"), float)]
            looks[node.name] = [(look["update"], look["loss"]) for look in history.get("evaluations", [])]
    return losses, looks
