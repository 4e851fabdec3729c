import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from ryot.report.estimates_view import accuracy, of_run, show_estimates, to_json
from ryot.store.ledger import Ledger
from tests.store.write_ledger import entry

ENTRIES = (
    entry("a", predicted=12.0, measured=10.0),
    entry("b", predicted=9.0, measured=10.0, run="other"),
    entry("c", "errors", unit="", predicted=1.0, measured=0.0),
    entry("d", "tokens_per_s", unit="tokens/s", node="bench.single", stage="bench", predicted=900.0, measured=1000.0),
)
LEDGER = Ledger(Path("ledger.jsonl"), ENTRIES, (3,))


def shown(ledger: Ledger, width: int = 120) -> str:
    text = io.StringIO()
    show_estimates(ledger, Console(file=text, width=width))
    return text.getvalue()


def test_accuracy_is_told_for_each_measure_that_has_an_error() -> None:
    rows = {row.measure: row for row in accuracy(LEDGER)}
    assert set(rows) == {"total_time", "tokens_per_s"}
    assert (rows["total_time"].n, rows["total_time"].median_error, rows["total_time"].p90_error) == (2, pytest.approx(0.15), 0.2)


def test_table_shows_every_prediction_with_its_error() -> None:
    said = shown(LEDGER)
    for word in ("12.0 s", "10.0 s", "+20.0 %", "-10.0 %", "900 tokens/s", "cpu:test x2, deepspeed 0.19.8", "2026-01-01"):
        assert word in said
    assert "train/total_time" in said
    assert "15.0 %" in said
    assert "line 3" in said


@pytest.mark.parametrize("width", [60, 80, 100])
def test_table_fits_the_terminal(width: int) -> None:
    assert max(map(len, shown(LEDGER, width).splitlines())) <= width


def test_names_stay_whole_in_100_columns() -> None:
    assert "bench.single  tokens_per_s" in shown(LEDGER, 100)


def test_empty_ledger_says_how_to_fill_it() -> None:
    assert "ryot apply" in shown(Ledger(Path("x"), (), ()))


def test_json_holds_entries_errors_and_broken_lines() -> None:
    found = json.loads(to_json(LEDGER), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert [item["error"] for item in found["entries"]] == [pytest.approx(0.2), pytest.approx(-0.1), None, pytest.approx(-0.1)]
    assert found["entries"][0]["engine"] == "deepspeed 0.19.8"
    assert found["accuracy"][0]["measure"] == "total_time"
    assert found["broken_lines"] == [3]


def test_one_run_can_be_asked_for() -> None:
    assert [item.key for item in of_run(LEDGER, "other").entries] == ["b"]


def test_what_comes_from_elsewhere_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in shown(Ledger(Path("x"), (entry("a", node="\x1b[2Jevil", engine="[red]x"),), ()))
