"""Two runs held against each other, in a terminal."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ryot.check.difference import Difference
from ryot.check.verdict import Verdict
from ryot.report.json_data import finite
from ryot.report.plain import plain
from ryot.units import show

_STYLES = {"worse": "bold red", "better": "green", "missing": "bold magenta", "other": "cyan", "new": "cyan"}
_QUIET = ("same", "not shown")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs: their ids and devices, the spec's fields that differ (field, before, after), the measures, and the verdicts of both by
    the later one's targets."""

    ids: tuple[str, str]
    devices: tuple[str, str]
    fields: tuple[tuple[str, str, str], ...]
    measures: tuple[Difference, ...]
    verdicts: tuple[tuple[Verdict, Verdict], ...]

    @property
    def lost(self) -> tuple[tuple[Verdict, Verdict], ...]:
        """Must-targets that passed, and do no more."""
        return tuple(pair for pair in self.verdicts if pair[1].counts and pair[0].status == "PASS" != pair[1].status)

    @property
    def exit_code(self) -> int:
        """1 something is worse, or a must-target that passed FAILs; else 5 one of them is INCONCLUSIVE, ERROR or without data; else 0."""
        if any(found.regressed for found in self.measures) or any(after.status == "FAIL" for _, after in self.lost):
            return 1
        return 5 if self.lost or any(found.change == "missing" and found.target for found in self.measures) else 0


def show_pair(pair: Pair, console: Console) -> None:
    """What changed in the spec, in the measures and in the verdicts, the outcome last."""
    console.print(f"before: {pair.ids[0]} ({pair.devices[0]})", markup=False, highlight=False)
    console.print(f"after:  {pair.ids[1]} ({pair.devices[1]})", markup=False, highlight=False)
    if pair.devices[0] != pair.devices[1]:
        console.print(Text("the devices differ: times and speeds tell of them, too", style="yellow"))
    console.print()
    console.print(_fields(pair.fields) if pair.fields else Text("the spec is the same", style="dim"))
    console.print()
    loud = [found for found in pair.measures if found.change not in _QUIET]
    console.print(_measures([*loud, *(found for found in pair.measures if found.change == "not shown" and found.target)]))
    same = sum(found.change == "same" for found in pair.measures)
    console.print(Text(f"{same} measures are the very same samples; of {_unshown(pair)} no difference is shown", style="dim"))
    if any(found.change == "apart" for found in pair.measures):
        console.print(Text("apart: a speed; two runs at two times do not compare it (--speeds does all the same)", style="dim"))
    for before, after in pair.lost:
        console.print(Text(plain(f"{before.status} -> {after.status}: {after.target}; {after.reason}"), style="bold red"))
    console.print()
    console.print(Text(headline(pair), style="bold"))


def headline(pair: Pair) -> str:
    """The outcome in a sentence."""
    worse = [found.measure for found in pair.measures if found.regressed]
    better = sum(found.change == "better" for found in pair.measures)
    if worse:
        return f"Worse: {', '.join(worse)}"
    if pair.lost:
        return f"No longer passed: {', '.join(after.measure for _, after in pair.lost)}"
    if pair.exit_code:
        return "A target has no data any more"
    other = sum(found.change == "other" for found in pair.measures)
    told = [f"{better} better"] if better else []
    told += [f"{other} differ, of which no target says which is better"] if other else []
    return "; ".join(["No regression", *told])


def pair_data(pair: Pair) -> dict[str, object]:
    """As plain data that JSON can hold."""
    return {
        "schema": "ryot.diff/1",
        "before": {"run": pair.ids[0], "device": pair.devices[0]},
        "after": {"run": pair.ids[1], "device": pair.devices[1]},
        "outcome": headline(pair),
        "exit_code": pair.exit_code,
        "spec": [{"field": field, "before": before, "after": after} for field, before, after in pair.fields],
        "measures": [finite(asdict(found)) for found in pair.measures],
        "verdicts": [
            {"target": after.target, "priority": after.priority, "before": before.status, "after": after.status}
            for before, after in pair.verdicts
        ],
    }


def _unshown(pair: Pair) -> int:
    return sum(found.change == "not shown" for found in pair.measures)


def _fields(fields: Sequence[tuple[str, str, str]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("spec", "before", "after"):
        table.add_column(name, overflow="fold")
    for row in fields:
        table.add_row(*(Text(plain(cell)) for cell in row))
    return table


def _measures(found: Sequence[Difference]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("", "measure", "before", "after", "difference"):
        table.add_column(name, overflow="fold", justify="left" if name in ("", "measure") else "right")
    for each in found:
        style = _STYLES.get(each.change, "dim")
        values = [show(value, each.unit) for value in (each.before, each.after)]
        table.add_row(Text(each.change, style=style), Text(plain(each.measure)), *map(Text, values), Text(_span(each)))
    return table


def _span(found: Difference) -> str:
    if found.before is None or found.after is None:
        return ""
    low, high = ("unbounded" if bound is None else show(bound, found.unit) for bound in (found.low, found.high))
    return low if low == high else f"{low} .. {high}"
