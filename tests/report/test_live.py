"""How progress is written, in `apply` and in `status` alike; and that a terminal of 80 columns shows node and clock."""

from io import StringIO

import pytest
from rich.console import Console

from ryot.engine import events
from ryot.report.live import counted, display, line, numbers


@pytest.mark.parametrize(("done", "total", "unit", "text"), [
    (0.5, 1.04, "MB", "0.50/1.04 MB"), (0.405622, 0.405622, "MB", "0.41/0.41 MB"), (7.26, 31.04, "MB", "7.3/31.0 MB"),
    (120, 400, "update", "120/400 update"), (2, 3, "step", "2/3 step"), (1234.5, 30_000, "examples", "1,234/30,000 examples"),
])  # fmt: skip
def test_both_numbers_have_the_digits_of_the_total(done: float, total: float, unit: str, text: str) -> None:
    assert counted(events.Progress("n", done, total, unit)) == text


def test_a_rate_has_its_unit_behind_it() -> None:
    said = numbers(events.Progress("n", numbers={"loss": 2.31, "tokens_per_s": 1204.4, "MB_per_s": 0.1744}))
    assert said == "loss 2.31  1,204 tokens/s  0.174 MB/s"


@pytest.mark.parametrize("width", [80, 100])
def test_a_narrow_terminal_shows_node_and_clock(width: int) -> None:
    console = Console(file=StringIO(), force_terminal=True, width=width, color_system=None)
    with display(console) as shown:
        shown.show(events.Started("filter.near_duplicates"))
        shown.show(events.Progress("filter.near_duplicates", 7.26, 31.04, "MB", {"MB_per_s": 0.1744}))
        shown.show(events.Waiting("filter.near_duplicates", "pid 12345 on a-host-with-a-long-name has the machine to itself for a while"))
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "filter.near_duplicates" in said
    assert "0:00:0" in said


def test_a_unit_commands_no_terminal() -> None:
    assert counted(events.Progress("a", 1, 2, "\x1b]0;owned\x07", {})) == "1/2 ·]0;owned·"


@pytest.mark.parametrize(
    ("left", "text"), [(2, ", and 2 times more if need be"), (1, ", and once more if need be"), (0, " for the last time")]
)
def test_how_often_a_lost_node_is_tried_is_said(left: int, text: str) -> None:
    assert line(events.Lost("train", "it is gone", left)) == f"lost      train: it is gone; it is tried again{text}"
