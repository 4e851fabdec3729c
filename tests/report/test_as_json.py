"""The report for programs."""

import json
import math

from ryot.check.judge import Measured
from ryot.measures import Evidence, Measure
from ryot.report.as_json import to_json
from ryot.report.summary import Heading, Left, Summary, summarise


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def read(summary: Summary) -> dict[str, object]:
    found = json.loads(to_json(summary), parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def test_verdicts_and_nodes_have_the_promised_fields(summary: Summary) -> None:
    found = read(summary)
    assert (found["schema"], found["spec"], found["exit_code"]) == (1, "phase3", 4)
    for verdict in found["verdicts"]:  # type: ignore[attr-defined]
        assert {"target", "measure", "value", "low", "high", "n", "unit", "status", "reason", "priority", "waived"} <= verdict.keys()
    for node in found["nodes"]:  # type: ignore[attr-defined]
        assert {"name", "stage", "key", "state", "why", "seconds"} <= node.keys()


def test_a_missing_value_is_null(summary: Summary) -> None:
    (lost,) = [v for v in read(summary)["verdicts"] if v["measure"] == "bench.failover/recovery"]  # type: ignore[attr-defined]
    assert (lost["value"], lost["low"], lost["high"]) == (None, None, None)


def test_numbers_that_are_not_finite_become_null() -> None:
    broken = {"n/m": Measured(Measure(name="m", kind="mean"), Evidence(samples=(math.nan, 1.0)))}
    comparison = {"baseline": {"losses": [1.0, math.nan]}, "ratio": math.inf}
    found = read(summarise(Heading("x"), (), (), broken, left=Left(comparison, histories={"train": [2.0, math.inf]})))
    assert found["comparison"] == {"baseline": {"losses": [1.0, None]}, "ratio": None}
    assert found["histories"] == {"train": [2.0, None]}
    assert found["measures"][0]["value"] is None  # type: ignore[index]


def test_lone_surrogates_do_not_break_the_encoding() -> None:
    to_json(summarise(Heading("bad \ud800"), (), (), {})).encode("utf-8")
