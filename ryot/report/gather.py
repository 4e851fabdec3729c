"""Everything a report shows, gathered from a plan and its store. Reads; never writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ryot.check.judge import judge
from ryot.engine.outcome import measured
from ryot.engine.survey import survey
from ryot.estimate.claims import audit
from ryot.estimate.estimates import estimate
from ryot.plan.plan import Plan, PlannedNode
from ryot.plugins.documents import INDEX as DOCUMENTS
from ryot.report.datasheet import Datasheet, datasheet_of
from ryot.report.summary import Heading, Left, NodeRow, Summary, summarise
from ryot.spec.spec import Spec
from ryot.store.store import Store


def gather(plan: Plan, store: Store, spec: Spec, run: str, now: datetime) -> Summary:
    """The summary of a plan as the store has it now; every verdict is derived anew from the raw samples."""
    found, problems = measured(plan, store)
    heading = Heading(
        spec=plan.name, run=run, profile=plan.profile, device=plan.device, date=f"{now:%Y-%m-%d %H:%M} UTC", version=version("ryot")
    )
    return summarise(
        heading,
        _nodes(plan, store, problems),
        judge(plan.targets, found, problems, now.date()),
        found,
        claims=() if plan.here is None else audit(spec, estimate(spec, plan.here)),
        left=Left(_comparison(plan, store), _datasheet(plan, store, spec), _histories(plan, store)),
    )


def _nodes(plan: Plan, store: Store, problems: Mapping[str, str]) -> list[NodeRow]:
    states = survey(plan, store)
    rows = []
    for node in plan.nodes:
        record = None if node.is_service else store.record(node.stage, node.key)
        failed = problems.get(node.name, "").startswith("failed")
        state = "service" if node.is_service else "finished" if record else "failed" if failed else states[node.name].state
        why = problems.get(node.name, "") if failed else "" if record or node.is_service else states[node.name].why
        rows.append(NodeRow(node.name, node.stage, state, record.seconds if record else None, why, node.key))
    return rows


def _out(store: Store, node: PlannedNode) -> Path:
    return store.folder(node.stage, node.key) / "out"


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError):
        return None


def _comparison(plan: Plan, store: Store) -> Mapping[str, object] | None:
    """The compare stage's own report, if it is finished."""
    for node in plan.nodes:
        if node.stage == "compare" and store.record(node.stage, node.key):
            found = _read(_out(store, node) / "comparison.json")
            return found if isinstance(found, dict) else None
    return None


def _datasheet(plan: Plan, store: Store, spec: Spec) -> Datasheet | None:
    """The way of the documents, as far as it is finished: the last node that left documents."""
    for node in reversed(plan.nodes):
        record = None if node.is_service else store.record(node.stage, node.key)
        if record and DOCUMENTS in record.files and isinstance(facts := _read(_out(store, node) / DOCUMENTS), dict):
            return datasheet_of(node.name, node.key, record.files[DOCUMENTS].sha256, facts, spec.data.sources)
    return None


def _histories(plan: Plan, store: Store) -> dict[str, list[float]]:
    """The loss after each update, of every finished training."""
    found: dict[str, list[float]] = {}
    for node in plan.nodes:
        if node.stage in ("train", "finetune", "align") and store.record(node.stage, node.key):
            history = _read(_out(store, node) / "history.json")
            updates = history.get("updates", []) if isinstance(history, dict) else []
            found[node.name] = [update["loss"] for update in updates if isinstance(update.get("loss"), float)]
    return found
