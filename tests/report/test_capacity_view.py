"""What is said of a search."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from ryot.cli.capacity import code_of
from ryot.report.capacity_view import conclusion, show_search


def step(level: float, outcome: str, *reasons: str, **more: Any) -> dict[str, Any]:
    return {"level": level, "requests": 1000, "outcome": outcome, "reasons": list(reasons), "seconds": 10.0, "verdicts": [], **more}


def found(*steps: dict[str, Any], highest: float | None, first: int | None, ended: str = "narrow") -> dict[str, Any]:
    missed = {name: steps[first][name] for name in ("level", "outcome", "reasons")} if first is not None else None
    base = {"unit": "requests/s", "targets": ["bench.s/latency_p95 < 50ms"], "tries": 10}
    return {**base, "steps": list(steps), "highest": highest, "first_missed": missed, "ended": ended}


def test_border_is_told_with_what_missed() -> None:
    told = found(step(40, "met"), step(44, "missed", "p95: FAIL, at least 61 ms"), highest=40, first=1)
    assert conclusion(told)[:3] == [
        "At 40 requests/s the server meets `bench.s/latency_p95 < 50ms`",
        "44 requests/s is not shown to: p95: FAIL, at least 61 ms",
        "The border is between 40 and 44 requests/s; the search ended because the interval is narrow enough",
    ]


def test_search_without_an_upper_end_says_so() -> None:
    told = found(step(40, "met"), step(80, "met"), highest=80, first=None, ended="time")
    assert conclusion(told)[1] == "Where the border is was not found: there was no more time"


def test_run_that_was_not_valid_is_not_laid_at_the_servers_door() -> None:
    told = found(step(40, "met"), step(80, "invalid", "the generator was the bottleneck"), highest=40, first=1)
    assert "80 requests/s was not valid: the generator was the bottleneck" in conclusion(told)
    assert any("not the server" in line for line in conclusion(told))


def test_every_try_is_shown() -> None:
    text = StringIO()
    show_search(Console(file=text, width=100), found(step(40, "met"), step(44, "missed", "[b]too slow"), highest=40, first=1))
    assert "[b]too slow" in text.getvalue()
    assert text.getvalue().count("1,000") == 2


@pytest.mark.parametrize(("status", "code"), [("FAIL", 1), ("INCONCLUSIVE", 5), (None, 5)])
def test_exit_code_is_that_of_the_lowest_load_where_none_met_all(status: str | None, code: int) -> None:
    verdicts = [{"status": status}] if status else []
    steps = [step(40, "missed", verdicts=[{"status": "FAIL"}]), step(20, "missed" if status else "invalid", verdicts=verdicts)]
    assert code_of(found(*steps, highest=None, first=1, ended="least")) == code
    assert code_of(found(step(40, "met"), highest=40, first=None)) == 0
