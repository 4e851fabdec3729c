"""Locust's page on a scenario, until it is left: `ryot bench --ui`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import FrameType

from rich.console import Console

from ryot.cli.apply import code_of, start
from ryot.cli.request import Planned
from ryot.engine import events
from ryot.errors import NodeError
from ryot.report.live import display
from ryot.store.journal import Run


def show_page(planned: Planned, run: Run, console: Console) -> int:
    """Run a plan whose last node shows the page, and say where that is. Returns the exit code: 0 when it was told to end."""
    kinds: set[str] = set()
    address = ""
    try:
        with _left_by_signals(), display(console) as shown, closing(start(planned, run)) as happening:
            for event in happening:
                if isinstance(event, events.Progress) and "page" in event.numbers and not address:
                    address = str(event.numbers["page"])
                    words = f"Locust's page on {event.node} is at {address}; Ctrl-C ends it"
                    console.print(words, markup=False, highlight=False, soft_wrap=True)
                shown.show(event)
                if isinstance(event, events.Failed):
                    kinds.add(event.kind)
    except _Left:
        console.print("ended: the page, the load and the server are gone", markup=False)
        return 0
    return code_of(kinds) or NodeError.exit_code


class _Left(BaseException):
    """The user has seen enough. Not an Exception, so that nothing else takes it."""


@contextmanager
def _left_by_signals() -> Iterator[None]:
    """The first signal leaves the page; the next one does what signals do."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def heard(_number: int, _frame: FrameType | None) -> None:
        restore()
        raise _Left

    for number in before:
        signal.signal(number, heard)
    try:
        yield
    finally:
        restore()
