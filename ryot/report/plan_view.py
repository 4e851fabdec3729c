"""`ryot plan` for a terminal of 100 columns: nodes with their states and reasons, then what the foresight of the plan says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ryot.check.evidence import EvidenceRow
from ryot.engine.survey import NodeState
from ryot.estimate.doubts import Doubt
from ryot.estimate.estimates import Estimates
from ryot.estimate.refusals import Refusal
from ryot.plan.plan import Plan
from ryot.report.claims_view import show_claims
from ryot.report.estimate_lines import estimate_lines, training_rows
from ryot.report.foresight import Foresight
from ryot.report.plain import plain

_MARKS = {True: Text("can", "dim"), False: Text("cannot", "yellow"), None: Text("open", "dim")}
_STYLE = {"cached": "dim", "runs": "bold", "waits": ""}


def show_plan(console: Console, plan: Plan, states: Mapping[str, NodeState], foresight: Foresight | None) -> None:
    """The nodes, then what is to be expected; what stops the plan is last, nearest to the prompt."""
    profile = f"profile {plan.profile}" if plan.profile else "no profile"
    console.print(f"{plan.name}: {len(plan.nodes)} nodes, {profile}, {plan.device}", markup=False, highlight=False)
    _show_nodes(console, plan, states)
    if foresight is None:
        return
    _show_estimates(console, foresight.estimates)
    show_claims(console, foresight.claims)
    _show_evidence(console, foresight.evidence)
    _show_doubts(console, foresight.doubts)
    _show_refused(console, foresight.refused)


def _show_nodes(console: Console, plan: Plan, states: Mapping[str, NodeState]) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("node", "state", "why"):
        table.add_column(column, no_wrap=column != "why")
    for node in plan.nodes:
        state = states[node.name]
        why = f"{state.why}; on {node.machines} machines" if node.machines > 1 else state.why
        table.add_row(Text(plain(node.name)), Text(state.state, _STYLE[state.state]), Text(plain(why)))
    console.print(table)
    count = sum(state.state != "cached" for state in states.values())
    console.print(f"{count} to run, {len(plan.nodes) - count} with nothing to do.", markup=False, highlight=False)


def _show_estimates(console: Console, estimates: Estimates) -> None:
    _heading(console, "What it takes")
    lines = Table.grid(padding=(0, 2, 0, 0))
    lines.add_column(no_wrap=True, style="dim")
    lines.add_column(overflow="fold")
    for label, text in estimate_lines(estimates):
        lines.add_row(label, Text(plain(text)))
    console.print(lines)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("training", "update", "in all", "memory", "cost", "resting on"):
        right = column in ("update", "in all", "memory", "cost")
        table.add_column(column, justify="right" if right else "left", no_wrap=column != "resting on")
    for row in training_rows(estimates):
        table.add_row(*(Text(plain(cell)) for cell in row))
    console.print(table)


def _show_evidence(console: Console, rows: Sequence[EvidenceRow]) -> None:
    """How many targets get samples enough, and in words those that do not."""
    if not rows:
        return
    _heading(console, "Evidence")
    sure = sum(row.ok is True for row in rows)
    console.print(f"{sure} of {len(rows)} targets can be certified by the samples that are planned.", markup=False, highlight=False)
    table = Table.grid(padding=(0, 2, 0, 0))
    for column in ("", "target", "words"):
        table.add_column(no_wrap=column == "", overflow="fold")
    for row in rows:
        if row.ok is not True or row.kind == "proportion":
            mark = _MARKS[row.ok]
            table.add_row(mark, Text(plain(row.target)), Text(plain(row.words), "dim"))
    console.print(table)


def _show_doubts(console: Console, doubts: Sequence[Doubt]) -> None:
    if doubts:
        _heading(console, "Doubtful")
    for reference, group in groupby(doubts, key=lambda doubt: doubt.reference):
        for doubt in group:
            console.print(Text(plain(doubt.message)))
        _below(console, reference, "dim")


def _show_refused(console: Console, refused: Sequence[Refusal]) -> None:
    for heading, style, wanted in (("Allowed by the spec", "yellow", True), ("Refused", "bold red", False)):
        found = [refusal for refusal in refused if (refusal.allowed is not None) is wanted]
        if found:
            _heading(console, heading)
        for refusal in found:
            _entry(console, f"{refusal.name}: {refusal.message}", refusal.allowed or refusal.hint, style)


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold"))


def _entry(console: Console, text: str, note: str, style: str) -> None:
    console.print(Text(plain(text), style=style))
    _below(console, note, "dim")


def _below(console: Console, text: str, style: str) -> None:
    console.print(Padding(Text(plain(text), style=style), (0, 0, 0, 6), expand=False))
