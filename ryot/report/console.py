"""The report in a terminal. It reads the same without colour, in 100 columns, and in a pipe."""

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ryot.check.verdict import Verdict
from ryot.report.claims_view import show_claims
from ryot.report.plain import plain
from ryot.report.summary import Summary
from ryot.report.wording import found, needs_a_reason, outcome, status_of, together
from ryot.units import show_seconds

_STYLES = {"PASS": "green", "FAIL": "bold red", "INCONCLUSIVE": "yellow", "ERROR": "bold magenta"}
_STATES = {"failed": "bold red", "runs": "cyan", "ran": "cyan", "waits": "dim", "cached": "dim", "service": "dim"}


def print_summary(summary: Summary, console: Console) -> None:
    """Nodes, audited claims, verdicts and the outcome, the last nearest to the prompt."""
    if summary.nodes:
        console.print(node_table(summary))
    show_claims(console, summary.claims)
    if summary.nodes or summary.claims:
        console.print()
    print_verdicts(summary, console)


def print_verdicts(summary: Summary, console: Console) -> None:
    """A line for each verdict, its reason below where it has something to add, and the outcome."""
    widths = _widths([_cells(verdict) for verdict in summary.verdicts], console.width)
    for verdict in summary.verdicts:
        status, *rest = (Text(cell, overflow="fold") for cell in _cells(verdict))
        status.stylize(_STYLES[verdict.status])
        line = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
        for width in widths:
            line.add_column(width=width)
        line.add_row(status, *rest)
        console.print(line)
        if needs_a_reason(verdict):
            console.print(Padding(Text(plain(verdict.reason), style="dim"), (0, 0, 0, 6), expand=False))
    if summary.verdicts:
        console.print()
    if words := together(summary.verdicts):
        console.print(Text(f"{words}.", style="dim"))
    console.print(Text(outcome(summary), style="bold"))


def node_table(summary: Summary) -> Table:
    """The nodes with state, time and why."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("node", "state", "time", "key"):
        table.add_column(name, no_wrap=True, justify="right" if name == "time" else "left")
    reasons = any(node.why for node in summary.nodes)
    table.add_column("why" if reasons else "", overflow="fold")
    for node in summary.nodes:
        seconds = "" if node.seconds is None else show_seconds(node.seconds)
        state = Text(plain(node.state), style=_STATES.get(node.state, ""))
        table.add_row(Text(plain(node.name)), state, seconds, Text(plain(node.key[:8]), style="dim"), Text(plain(node.why)))
    return table


def _widths(rows: Sequence[tuple[str, ...]], available: int) -> list[int]:
    """The width of each column; where they do not fit, the measured value is folded first, then the target."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for column, least in ((3, 16), (2, 20)):
        if widths:
            over = sum(widths) + 2 * len(widths) - available
            widths[column] = max(widths[column] - max(over, 0), min(least, widths[column]))
    return widths


def _cells(verdict: Verdict) -> tuple[str, ...]:
    n = f"n={verdict.n:,}" if verdict.n > 1 else ""
    return status_of(verdict), verdict.priority, plain(verdict.target), found(verdict), n
