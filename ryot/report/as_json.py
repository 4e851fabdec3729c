"""The report for programs. The schema has a version; a missing value is null, and NaN or infinity never appear."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict

from ryot.check.verdict import Verdict
from ryot.report.summary import NodeRow, Summary
from ryot.report.wording import headline

SCHEMA = 1
"""Raised when a field goes away or changes its meaning; new fields leave it."""


def to_json(summary: Summary) -> str:
    """The whole summary as JSON, raw latencies and blocks left out: they are in the records."""
    return json.dumps(summary_data(summary), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def summary_data(summary: Summary) -> dict[str, object]:
    """The summary as plain data that JSON can hold."""
    data = {
        "schema": SCHEMA,
        **asdict(summary.heading),
        "outcome": headline(summary.verdicts),
        "exit_code": summary.exit_code,
        "verdicts": [verdict_data(verdict) for verdict in summary.verdicts],
        "nodes": [node_data(node) for node in summary.nodes],
        "measures": [asdict(row) for row in summary.measures],
        "claims": [asdict(row) for row in summary.claims],
        "comparison": summary.comparison,
        "histories": dict(summary.histories),
    }
    return {key: _finite(value) for key, value in data.items()}


def verdict_data(verdict: Verdict) -> dict[str, object]:
    """One verdict as plain data."""
    return {key: _finite(value) for key, value in asdict(verdict).items()}


def node_data(node: NodeRow) -> dict[str, object]:
    """One node as plain data."""
    return {key: _finite(value) for key, value in asdict(node).items()}


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    return value
