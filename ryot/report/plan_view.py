"""What `ryot plan` shows: the nodes with their states and reasons, and the audited claims. As text for a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ryot.engine.survey import NodeState
from ryot.errors import printable
from ryot.estimate.claims import ClaimRow
from ryot.estimate.parameters import Parameters
from ryot.plan.plan import Plan

_STYLE = {"cached": "dim", "runs": "bold", "waits": ""}


def plan_json(plan: Plan, states: Mapping[str, NodeState], params: Parameters, claims: Sequence[ClaimRow]) -> dict[str, object]:
    """The plan as JSON data: nodes with state and why, the parameter count, the audited claims."""
    return {
        "version": 1,
        "name": plan.name,
        "profile": plan.profile,
        "device": plan.device,
        "nodes": [
            {"name": node.name, "stage": node.stage, "key": node.key, "state": states[node.name].state, "why": states[node.name].why}
            | {"needs": list(node.needs), "measures": [f"{node.name}/{measure.name}" for measure in node.measures]}
            for node in plan.nodes
        ],
        "targets": [{"target": target.written, "measure": target.measure, "priority": target.priority} for target in plan.targets],
        "estimates": {"params": params.total, "trainable_params": params.trainable},
        "claims": [
            {"claim": row.claim, "claimed": row.claimed, "computed": row.computed, "ok": row.ok, "formula": row.formula} for row in claims
        ],
    }


def show_plan(console: Console, plan: Plan, states: Mapping[str, NodeState], params: Parameters, claims: Sequence[ClaimRow]) -> None:
    """The plan for a terminal of 80 columns and more."""
    profile = f"profile {plan.profile}" if plan.profile else "no profile"
    console.print(f"{plan.name}: {len(plan.nodes)} nodes, {profile}, {plan.device}", markup=False, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("node", "state", "why"):
        table.add_column(column, no_wrap=column != "why")
    for node in plan.nodes:
        state = states[node.name]
        table.add_row(Text(node.name), Text(state.state, _STYLE[state.state]), Text(printable(state.why)))
    console.print(table)
    count = sum(state.state != "cached" for state in states.values())
    console.print(f"{count} to run, {len(plan.nodes) - count} with nothing to do.", markup=False, highlight=False)
    console.print(f"\nparameters: {params.total:,} ({params.trainable:,} trained)", markup=False, highlight=False)
    for row in claims:
        mark = "holds" if row.ok else "REFUTED"
        text = f"claim {row.claim}: claimed {row.claimed:,}, computed {row.computed:,}: {mark}  ({row.formula})"
        console.print(text, markup=False, highlight=False, style=None if row.ok else "yellow")
