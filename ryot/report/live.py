"""What an apply looks like while it runs: bars on a terminal, plain lines elsewhere. Both are fed the engine's events."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from ryot.engine import events
from ryot.errors import printable, printable_lines
from ryot.units import show_seconds

_PLAIN_EVERY_S = 10.0
_NARROW = 110
"""A terminal of fewer columns gets shorter bars."""
_AGAIN = {0: " for the last time", 1: ", and once more if need be"}
"""How often a node is tried that was lost, by how often it may be lost again."""


class Display(Protocol):
    """Something that shows events."""

    def show(self, event: events.Event) -> None:
        """Show one event."""


@contextmanager
def display(console: Console) -> Iterator[Display]:
    """A live display on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield _Plain(console)
        return
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", table_column=Column(no_wrap=True)),
        BarColumn(bar_width=12 if console.width < _NARROW else 24),
        TextColumn("{task.fields[counted]}"),
        TimeElapsedColumn(),
        _Left(),
        # What is long here gives way: not the node, not the clock.
        TextColumn("{task.fields[numbers]}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
        console=console,
        transient=True,
        expand=True,
    ) as progress:
        yield _Bars(console, progress)


def line(event: events.Event) -> str | None:
    """An event as a line of text, its own line ends kept; None for one that is not worth a line."""
    text = _line(event)
    return None if text is None else printable_lines(text)


def _line(event: events.Event) -> str | None:
    match event:
        case events.Started(node, service):
            return f"{'starting' if service else 'running '}  {node}"
        case events.Waiting(node, holder):
            return f"waiting   {node}: {holder}"
        case events.Ready(node, url):
            return f"ready     {node} at {url}"
        case events.Stopped(node):
            return f"stopped   {node}"
        case events.Finished(node, seconds):
            return f"finished  {node} in {show_seconds(seconds)}"
        case events.Fetched() | events.Shared() | events.Unshared():
            return _sharing(event)
        case events.Warned(node, text):
            return f"note      {node}: {text}"
        case events.Lost(node, why, left):
            return f"lost      {node}: {why}; it is tried again{_AGAIN.get(left, f', and {left} times more if need be')}"
        case events.Skipped(node):
            return f"skipped   {node}: {event.words}"
        case events.Looked(node, look, promised, text):
            return f"look {look}    {node} (of at most {promised}): {text}"
        case events.Damaged(node, what, aside):
            return f"damaged   {node}: {what}; set aside in {aside}, runs again"
        case events.Failed(node, message):
            return f"FAILED    {node}: {message}"
    return None


def _sharing(event: events.Fetched | events.Shared | events.Unshared) -> str:
    match event:
        case events.Fetched(node, share, host):
            return f"fetched   {node} from {share}; {host} made it"
        case events.Shared(node, share):
            return f"shared    {node} at {share}"
        case events.Unshared(node, text, hint):
            return f"note      {node}: {text}{f'; {hint}' if hint else ''}"


class _Left(ProgressColumn):
    """The time that is left, once the pace is known."""

    def render(self, task: Task) -> Text:
        left = task.time_remaining
        return Text("" if left is None or task.finished else f"{show_seconds(left)} left")


class _Plain:
    """One line for each event; progress at most every ten seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: dict[str, float] = {}

    def show(self, event: events.Event) -> None:
        text = line(event)
        if isinstance(event, events.Progress):
            now = time.monotonic()
            if now - self._told.setdefault(event.node, now) < _PLAIN_EVERY_S:
                return
            self._told[event.node] = now
            text = f"          {event.node} {counted(event)} {numbers(event)}"
        if text:
            self._print(text)
        if isinstance(event, events.Failed):
            self._print(failure(event))

    def _print(self, text: str) -> None:
        self._console.print(f"{time.strftime('%H:%M:%S')} {text}", markup=False, highlight=False, soft_wrap=True)


class _Bars:
    """A bar for each running node; what is over becomes a line above."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console, self._progress = console, progress
        self._bars: dict[str, TaskID] = {}

    def show(self, event: events.Event) -> None:
        match event:
            case events.Started(node):
                self._begin(node)
            case events.Progress(node):
                if node not in self._bars:  # it is on its way from a share, or there
                    self._begin(node)
                self._progress.update(
                    self._bars[node],
                    completed=event.done,
                    total=event.total or None,
                    counted=escape(counted(event)),
                    numbers=escape(numbers(event)),
                )
            case events.Waiting(node, holder) if node in self._bars:
                self._progress.update(self._bars[node], numbers=escape(printable(f"waits: {holder}")))
            case events.Ready(node) if node in self._bars:
                self._progress.update(self._bars[node], total=1, completed=1, counted="up", numbers="")
                self._console.print(f"  {line(event)}", markup=False, highlight=False)
            case events.Warned():
                self._console.print(f"  {line(event)}", markup=False, highlight=False, style="yellow")
            case _:
                self._over(event)

    def _begin(self, node: str) -> None:
        self._bars[node] = self._progress.add_task(escape(node), total=None, counted="", numbers="")

    def _over(self, event: events.Event) -> None:
        if event.node in self._bars:
            self._progress.remove_task(self._bars.pop(event.node))
        text = line(event)
        if text:
            self._console.print(f"  {text}", markup=False, highlight=False, style="red" if isinstance(event, events.Failed) else None)
        if isinstance(event, events.Failed):
            self._console.print(failure(event), markup=False, highlight=False)


def counted(event: events.Progress) -> str:
    """`120/400 update`, `0.51/1.04 MB`: both numbers with the digits that the total needs."""
    largest = event.total or event.done
    digits = 0 if largest >= 100 or (float(event.done).is_integer() and float(event.total).is_integer()) else 1 if largest >= 10 else 2
    done, total = f"{event.done:,.{digits}f}", f"{event.total:,.{digits}f}"
    unit = printable(event.unit)
    return f"{done}/{total} {unit}" if event.total else f"{done} {unit}"


def numbers(event: events.Progress) -> str:
    """`loss 2.31  1,204 tokens/s`."""
    return printable("  ".join(_named(name, value) for name, value in event.numbers.items()))[:60]


def _named(name: str, value: float | str) -> str:
    """`loss 2.31`, `1,204 tokens/s`: a rate is its own unit."""
    return f"{_number(value)} {name.removesuffix('_per_s')}/s" if name.endswith("_per_s") else f"{name} {_number(value)}"


def _number(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{value:.3g}"


def failure(event: events.Failed) -> str:
    """What a user needs after a failure: the hint, the end of the log and where all of it is."""
    hint = [f"    {'hint: ' if number == 0 else '      '}{printable(text)}" for number, text in enumerate((event.hint or "").splitlines())]
    tail = [f"    | {printable(text)}" for text in event.last_lines]
    return "\n".join([*hint, *tail, f"    the whole log: {event.log}"])
