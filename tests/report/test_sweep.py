"""A sweep's trials, as a table and as charts."""

from datetime import date
from typing import Any

from ryot.check.judge import judge
from ryot.report.html import to_html
from ryot.report.markdown import to_markdown
from ryot.report.summary import Heading, Left, NodeRow, Summary, summarise
from ryot.report.sweep import rows_of_sweep, sweep_charts


def trial(number: int, lr: float, state: str = "finished", loss: float | None = None, reason: str = "") -> dict[str, Any]:
    values = {"train.lr": lr, "train.schedule": "cosine" if number % 2 else "linear"}
    apart = None if state != "finished" or loss is None else loss + 0.01
    return {"trial": number, "values": values, "state": state, "loss": loss, "loss_apart": apart, "looks": [], "reason": reason}


FOUND = {
    "trials": [
        trial(1, 1e-4, loss=5.0), trial(2, 3e-3, loss=4.0), trial(3, 9.0, "failed", reason="training has diverged <b>"),
        trial(4, 1e-2, "pruned", loss=4.8), trial(5, 10000.0, loss=4.5),
    ],
    "best": 2,
    "fields": {"train.lr": "log", "train.schedule": "listed"},
}  # fmt: skip


def summary() -> Summary:
    return summarise(
        Heading("small"), [NodeRow("sweep", "sweep", "finished")], judge([], {}, {}, date(2026, 1, 1)), {}, left=Left(sweep=FOUND)
    )


def test_finished_trials_come_first_by_their_loss_and_every_one_is_there() -> None:
    found = rows_of_sweep(FOUND)
    assert [row[:2] for row in found.rows] == [
        ("2 (best)", "finished"), ("5", "finished"), ("1 (the spec's own)", "finished"), ("4", "pruned"), ("3", "failed"),
    ]  # fmt: skip
    assert found.rows[0][2:] == ("0.003", "linear", "4.0000", "4.0100")
    assert found.rows[-1][2:] == ("9", "cosine", "", "")
    assert found.note.startswith("5 trials: 3 finished, 1 pruned, 1 failed.")


def test_a_chart_for_each_field_has_a_dot_for_each_loss() -> None:
    by_lr, by_schedule = sweep_charts(FOUND)
    assert (by_lr.title, by_schedule.title) == ("Loss by train.lr", "Loss by train.schedule")
    assert len(by_lr.bars) == len(by_schedule.bars) == 4  # one failed
    assert len({bar.x for bar in by_schedule.bars}) == 2
    assert by_lr.bars[-1].kind == "dropped"  # the best, on top
    assert len({bar.x for bar in by_lr.bars}) == 4


def test_both_reports_have_it_and_nothing_in_it_is_markup() -> None:
    page, text = to_html(summary()), to_markdown(summary())
    assert "<h2>Sweep</h2>" in page
    assert "diverged &lt;b&gt;" in page
    assert "| 2 (best)" in text
    assert "Loss by train.lr" in page
