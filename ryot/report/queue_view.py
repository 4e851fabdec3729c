"""What `ryot plan` says of a cluster: what it has, and for each node that runs there what it asks for, whether that fits, and its cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ryot.errors import Place
from ryot.plugins.backend import Fit, Wish
from ryot.report.plain import plain
from ryot.units import show, show_seconds

_FITS = {True: Text("fits"), False: Text("never fits", "bold red"), None: Text("not known", "yellow")}


@dataclass(frozen=True, slots=True)
class Queued:
    """A node that is to run on the cluster: what it asks for, the cluster's answer, and what it costs in US dollars; `usd` is None where
    its time is not predicted or there is no price, `hourly` where there is none."""

    wish: Wish
    fit: Fit
    usd: float | None = None
    hourly: float | None = None

    @property
    def cost(self) -> str:
        """In words: of the node, else of an hour."""
        return show(self.usd, "usd") if self.usd is not None or self.hourly is None else f"{show(self.hourly, 'usd')} an hour"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why nodes can never run on the cluster, where the spec says what they ask for, and what to do."""

    nodes: tuple[str, ...]
    words: str
    hint: str
    at: Place


@dataclass(frozen=True, slots=True)
class Queue:
    """What a backend told of a plan; `unknown` says why it told nothing."""

    backend: str
    has: tuple[tuple[str, str], ...]
    nodes: tuple[Queued, ...]
    problems: tuple[Problem, ...]
    unknown: str = ""


def show_queue(console: Console, queue: Queue) -> None:
    """For a terminal; what stops the plan is last."""
    console.print()
    console.print(Text(f"The queue ({plain(queue.backend)})", style="bold"))
    if queue.unknown:
        console.print(Text(f"not known: {plain(queue.unknown)}", style="yellow"))
    lines = Table.grid(padding=(0, 2, 0, 0))
    lines.add_column(no_wrap=True, style="dim")
    lines.add_column(overflow="fold")
    for label, text in queue.has:
        lines.add_row(Text(plain(label)), Text(plain(text)))
    console.print(lines)
    if queue.nodes:
        console.print(_nodes(queue.nodes))
    for problem in queue.problems:
        words = f"{problem.at}: {', '.join(problem.nodes)}: {problem.words}"
        console.print(Text(plain(words), style="bold red"))
        console.print(Padding(Text(plain(problem.hint), style="dim"), (0, 0, 0, 6), expand=False))


def _nodes(nodes: Sequence[Queued]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("node", "asks for", "time", "cost", "", "why"):
        table.add_column(column, no_wrap=column != "why", justify="right" if column in ("time", "cost") else "left")
    for node in nodes:
        wish, fit = node.wish, node.fit
        machines = f"{wish.machines} machines with " if wish.machines > 1 else ""
        cores = f"{machines}{wish.cpus} core{'' if wish.cpus == 1 else 's'}{', alone' if wish.alone else ''}"
        time = "-" if wish.seconds is None else show_seconds(wish.seconds)
        words = "" if fit.fits is False else fit.words
        table.add_row(Text(plain(wish.node)), cores, time, node.cost, _FITS[fit.fits], Text(plain(words), "dim"))
    return table


def queue_data(queue: Queue | None) -> dict[str, Any] | None:
    """As plain data: seconds and US dollars, null for what is not known, and no queue where nodes run here."""
    if queue is None:
        return None
    return {
        "backend": queue.backend,
        "unknown": queue.unknown or None,
        "has": [{"label": label, "text": text} for label, text in queue.has],
        "nodes": [
            {
                "name": node.wish.node,
                "cpus": node.wish.cpus,
                "machines": node.wish.machines,
                "alone": node.wish.alone,
                "fits": node.fit.fits,
                "words": node.fit.words,
            }
            | {"seconds": node.wish.seconds, "usd": node.usd, "usd_per_hour": node.hourly}
            for node in queue.nodes
        ],
        "problems": [
            {"nodes": list(problem.nodes), "message": problem.words, "hint": problem.hint, "at": str(problem.at)}
            for problem in queue.problems
        ],
    }
