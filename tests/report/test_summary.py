"""What a summary takes from the measures."""

import math

from ryot.check.judge import Measured
from ryot.measures import Evidence, Measure
from ryot.report.comparison import rows_of
from ryot.report.summary import Heading, Summary, summarise


def test_latencies_and_blocks_come_from_the_measures(summary: Summary) -> None:
    assert set(summary.latencies) == {"bench.single", "bench.batch16", "bench.sustained"}
    assert len(summary.latencies["bench.single"]) == 1000
    assert len(summary.blocks["compare/speedup"]) == 12


def test_a_measure_that_cannot_be_judged_has_no_value_and_no_bounds() -> None:
    broken = {"n/m": Measured(Measure(name="m", kind="mean", unit="s"), Evidence(samples=(math.nan,) * 9))}
    (row,) = summarise(Heading("x"), (), (), broken).measures
    assert (row.value, row.low, row.high, row.n) == (None, None, None, 9)


def test_a_comparison_shows_both_sides_and_what_was_found() -> None:
    found = rows_of(
        {
            "stage": "phase3",
            "baseline": {"total_time": 1268.3, "losses": [1, 2], "final_loss": 1.84},
            "optimized": {"total_time": 187.4, "losses": [1, 2]},
            "comparison": {"all_criteria_met": False, "notes": None, "details": {"deep": 1}},
        }
    )
    assert found.sides == (("total time", "21 min 08 s", "3 min 07 s"), ("final loss", "1.84", "-"))
    assert found.findings == (("stage", "phase3"), ("all criteria met", "no"), ("notes", "-"))
