"""The highest load that still meets a scenario's targets: `ryot bench --find-max`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from rich.console import Console

from ryot.check.sizes import fewest_samples
from ryot.cli.apply import run_through
from ryot.cli.request import Planned
from ryot.errors import SpecError
from ryot.measures import Target
from ryot.plan.plan import Plan, PlannedNode
from ryot.store.journal import Run

STEPS = 10
"""Loads that a search tries at most."""


def asked(planned: Planned, node: PlannedNode, within_s: float) -> dict[str, Any]:
    """What is sought: each target on a node at the confidence that all tries share. Raises SpecError where there is none, or where one can
    be met by no number of samples."""
    found = [_shared(target) for target in planned.plan.targets if target.node == node.name]
    if not found:
        raise SpecError(
            f"there is no target on {node.name}", at=planned.loaded.tree.place, hint=f"write one, as {node.name}/latency_p95 < 1s"
        )
    declared = {measure.name: measure for measure in node.measures}
    least = 1
    for target in found:
        measure = declared[target.name]
        fewest = fewest_samples(measure, target.comparison, target.bound, target.confidence)
        if fewest is None:
            hint = "leave a margin in the target: no number of samples shows it"
            raise SpecError(f"no load can be shown to meet `{target.written}`", at=planned.loaded.tree.place, hint=hint)
        least = max(least, fewest if measure.sample == "request" else 1)
    targets = [target.model_dump() for target in found]
    return {"targets": targets, "steps": STEPS, "budget_s": within_s, "least_requests": least}


def _shared(target: Target) -> Target:
    """By Bonferroni: of STEPS verdicts, each of which errs with a share of the error, none errs with the confidence."""
    return target.model_copy(update={"confidence": 1 - (1 - target.confidence) / STEPS, "waiver": None})


def seek(planned: Planned, plan: Plan, run: Run, console: Console) -> tuple[dict[str, Any] | None, int]:
    """Carry the search out. Returns what it found, and the exit code of what failed; what was tried is kept even then."""
    node = plan.nodes[-1]
    path = planned.store.folder(node.stage, node.key) / "out" / "search.json"
    try:
        failed = run_through(replace(planned, plan=plan), run, console, "no further load is tried")
    finally:
        if path.exists():
            console.print(f"every try, with its evidence: {path}", markup=False, highlight=False, soft_wrap=True)
    return json.loads(path.read_text(encoding="utf8")) if path.exists() else None, failed


def code_of(found: dict[str, Any]) -> int:
    """0 where a load met all targets; 1 where the lowest that was tried FAILs one; else 5."""
    if found["highest"] is not None:
        return 0
    lowest = min(found["steps"], key=lambda step: step["level"])
    return 1 if any(verdict["status"] == "FAIL" for verdict in lowest["verdicts"]) else 5
