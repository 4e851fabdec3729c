"""The report for programs. The schema has a version; a missing value is null, and NaN or infinity never appear."""

import json
from dataclasses import asdict

from ryot.check.verdict import Verdict, joint_confidence
from ryot.report.json_data import escaped, finite
from ryot.report.summary import NodeRow, Summary
from ryot.report.wording import outcome

SCHEMA = 1
"""Raised when a field goes away or changes its meaning; new fields leave it."""


def to_json(summary: Summary) -> str:
    """The whole summary as JSON, raw latencies and blocks left out: they are in the records."""
    return escaped(json.dumps(summary_data(summary), indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def summary_data(summary: Summary) -> dict[str, object]:
    """The summary as plain data that JSON can hold."""
    data = {
        "schema": SCHEMA,
        **asdict(summary.heading),
        "outcome": outcome(summary),
        "exit_code": summary.exit_code,
        "joint_confidence": joint_confidence(summary.verdicts)[1],
        "verdicts": [verdict_data(verdict) for verdict in summary.verdicts],
        "nodes": [node_data(node) for node in summary.nodes],
        "measures": [asdict(row) for row in summary.measures],
        "errors": [asdict(row) for row in summary.errors],
        "claims": [asdict(row) for row in summary.claims],
        "comparison": summary.comparison,
        "validation": summary.validation,
        "datasheet": None if summary.datasheet is None else asdict(summary.datasheet),
        "histories": dict(summary.histories),
        "looks": dict(summary.looks),
    }
    return {key: finite(value) for key, value in data.items()}


def verdict_data(verdict: Verdict) -> dict[str, object]:
    """One verdict as plain data; `level` is the confidence of each of its looks."""
    return {key: finite(value) for key, value in {**asdict(verdict), "level": verdict.level}.items()}


def node_data(node: NodeRow) -> dict[str, object]:
    """One node as plain data."""
    return {key: finite(value) for key, value in asdict(node).items()}
