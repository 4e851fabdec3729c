"""The checklist, and what was found of an item. Nothing that was not shown is passed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

SCHEMA = "ryot.deployment-validation/1"
Status = Literal["passed", "failed", "not_shown"]


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the list: what has to be so."""

    name: str
    area: str
    asks: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found: how it was shown, the numbers, and, for what is not passed, the reason."""

    status: Status
    how: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


def judged(holds: bool, how: str, reason: str, **evidence: Any) -> Finding:
    """Passed where it holds, else failed for the reason."""
    return Finding("passed" if holds else "failed", how, evidence, "" if holds else reason)


def not_shown(reason: str, how: str = "", **evidence: Any) -> Finding:
    """What this machine, or this spec, has no means to show."""
    return Finding("not_shown", how, evidence, reason)


_LIST = {
    "infrastructure": {
        "gpu_detection": "a GPU is found, with its memory",
        "cuda": "CUDA computes what the CPU computes",
        "memory_preallocation": "the engine reserves its cache before the first request, for one whole context at least",
        "batch_size_tuning": "the engine's limit of sequences is not below the fastest batch",
        "multi_gpu_communication": "GPUs add up their numbers (NCCL all-reduce)",
    },
    "inference": {
        "single_request": "one request is answered in the time that the spec allows",
        "batches_1_to_32": "batches of 1 to 32 prompts are answered, each prompt with its own probabilities",
        "invalid_input": "a wrong request gets a 4xx that says why, and harms nobody",
        "memory_stable": "memory does not grow under load",
        "output_correct": "the server's tokens are those of the checkpoint in transformers",
        "scaling": "two engines answer more than one",
    },
    "server": {
        "endpoints": "every route answers, and no other does",
        "concurrency": "many clients at once get right answers",
        "queue": "a full queue refuses with 429 and Retry-After, and loses nobody",
        "cache": "a repeated request is answered from the cache, with the same answer",
        "health": "/health tells status, uptime and engines",
        "metrics": "/metrics is Prometheus' text, and counts what clients count",
        "graceful_shutdown": "SIGTERM answers what is in flight, and ends",
    },
    "readiness": {
        "error_logs": "an error stands in the log with its request's id, and no prompt does",
        "monitoring_and_alerts": "alerts and board are there, and ask only for metrics that the server has",
        "deployment_document": "a run book says how to start it, and every file has its digest",
        "rollback_document": "the run book says how to go back",
        "service_levels": "the spec states what the server has to keep",
    },
    "deployment": {
        "single_gpu": "one GPU serves it",
        "multi_gpu": "several GPUs serve it",
        "load_balancing": "engines get even shares of the load",
        "failover": "an engine is killed under load, and no client sees it",
        "concurrent_requests": "as many requests as the engine takes sequences, all at one moment",
    },
}
CHECKLIST = tuple(Item(name, area, asks) for area, items in _LIST.items() for name, asks in items.items())


def counts(findings: Mapping[str, Finding]) -> dict[Status, int]:
    """How many items have each status."""
    states = [finding.status for finding in findings.values()]
    return {"passed": states.count("passed"), "failed": states.count("failed"), "not_shown": states.count("not_shown")}


def document(findings: Mapping[str, Finding], about: Mapping[str, Any]) -> dict[str, Any]:
    """`deployment_validation_report.json`: every item of the list, in its order. Raises KeyError for one that was forgotten."""
    items = [asdict(item) | asdict(findings[item.name]) for item in CHECKLIST]
    return {"schema": SCHEMA, **about, "counts": counts(findings), "items": items}
