"""`ryot plan --json`. The schema has a version; a missing value is null, and NaN or infinity never appear."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields

from ryot.engine.survey import NodeState
from ryot.estimate.dataset import DatasetEstimate
from ryot.estimate.estimates import Estimates, seconds_of, total_seconds, usd_of, usd_of_a_month
from ryot.plan.plan import Plan
from ryot.report.foresight import Foresight
from ryot.report.json_data import escaped, finite
from ryot.report.queue_view import Queue, queue_data

SCHEMA = 1


def plan_json(plan: Plan, states: Mapping[str, NodeState], foresight: Foresight, queue: Queue | None = None) -> str:
    """Nodes with state and why, estimates in base units, claims, refusals, doubts, evidence and predictions; what a cluster said."""
    data = {
        "version": SCHEMA,
        "name": plan.name,
        "profile": plan.profile,
        "device": plan.device,
        "nodes": [
            {"name": node.name, "stage": node.stage, "key": node.key, "state": states[node.name].state, "why": states[node.name].why}
            | {"needs": list(node.needs), "after": list(node.after), "machines": node.machines}
            | {"measures": [f"{node.name}/{measure.name}" for measure in node.measures]}
            for node in plan.nodes
        ],
        "estimates": estimates_data(foresight.estimates),
        "claims": [
            {"claim": row.claim, "claimed": row.claimed, "computed": row.computed, "ok": row.ok, "formula": row.formula, "unit": row.unit}
            for row in foresight.claims
        ],
        "refusals": [asdict(refusal) for refusal in foresight.refused],
        "doubts": [asdict(doubt) for doubt in foresight.doubts],
        "evidence": [asdict(row) for row in foresight.evidence],
        "predictions": {name: asdict(prediction) for name, prediction in foresight.predictions.items()},
        "queue": queue_data(queue),
        "targets": [target.written for target in plan.targets],
    }
    return escaped(json.dumps(finite(data), indent=2, ensure_ascii=False, allow_nan=False))


def estimates_data(estimates: Estimates) -> dict[str, object]:
    """The estimates as plain data: bytes, seconds, US dollars, FLOPs per token; null for what is not known."""
    params, platform, work, serving = estimates.params, estimates.platform, estimates.work, estimates.serving
    return {
        "model": estimates.model.model_dump(mode="json"),
        "params": params.total,
        "params_trainable": params.trainable,
        "params_described": params.described,
        "params_twin": estimates.twin.total if estimates.twin else None,
        "unreckoned": list(estimates.unreckoned),
        "platform": None
        if platform is None
        else {
            "device": platform.device.name,
            "count": platform.count,
            "memory": platform.device.memory,
            "source": platform.device.source,
            "utilisation": platform.utilisation,
            "price": platform.price.name if platform.price else None,
            "usd_per_hour": platform.hourly,
        },
        "work": {"updates": work.updates, "tokens_per_update": work.tokens_per_update, "tokens": work.tokens, "sequence": work.sequence}
        | {"flops_per_token": asdict(work.flops)},
        "training": [
            {"node": training.node, "kernel_level": training.kernel_level, "memory": asdict(training.memory), "basis": training.basis}
            | {"step_s": training.step_s, "error": training.error, "bound": training.step.bound if training.step else None}
            | {"time_s": seconds_of(estimates, training.step_s), "usd": usd_of(estimates, seconds_of(estimates, training.step_s))}
            for training in estimates.training
        ],
        "training_s": total_seconds(estimates),
        "training_usd": usd_of(estimates, total_seconds(estimates)),
        "serving": None
        if serving is None
        else {
            "dtype": serving.dtype,
            "stored": serving.stored,
            "weights": serving.weights,
            "kv_cache": serving.kv_cache,
            "kv_per_token": serving.kv_per_token,
            "state_per_sequence": serving.state_per_sequence,
            "sequences": serving.sequences,
            "engines": serving.engines,
            "tuning_s": serving.tuning_s,
            "floors": {name: asdict(floor) for name, floor in serving.floors.items()},
            "monthly_usd": usd_of_a_month(estimates),
        },
        "dataset": _dataset(estimates.dataset) if estimates.dataset else None,
        "entropy": estimates.entropy,
    }


def _dataset(dataset: DatasetEstimate) -> dict[str, object]:
    """asdict cannot copy read-only mappings."""
    return {field.name: _plain(getattr(dataset, field.name)) for field in fields(dataset)}


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else value
