"""What failed in a run is in its report, though the store holds no word of it: the journal has."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from xml.etree import ElementTree

from ryot.cli.outcome import write_reports
from ryot.report.gather import gather
from ryot.report.summary import Summary
from ryot.spec.spec import Spec
from ryot.store.journal import Run, all_runs
from tests.conftest import Bench
from tests.report.conftest import SPEC


def reported(bench: Bench, *nodes: object) -> tuple[Summary, Run]:
    plan = bench.plan(*nodes)  # type: ignore[arg-type]
    bench.apply(plan)
    run = all_runs(bench.store.runs)[-1]
    return gather(plan, bench.store, Spec.model_validate(SPEC), run, datetime.now(UTC)), run


def test_every_report_of_a_failed_run_says_so(bench: Bench) -> None:
    summary, run = reported(bench, bench.node("bad", fail=True), bench.node("after", inputs=["bad"]), bench.node("other", words="z"))
    states = {node.name: (node.state, node.why) for node in summary.nodes}
    assert states == {"bad": ("failed", "asked to fail"), "after": ("skipped", "it needs bad"), "other": ("finished", "")}
    write_reports(summary, run)
    told = json.loads((run.folder / "report.json").read_text())
    assert (told["outcome"], told["exit_code"]) == ("NODE FAILED: bad", 4)
    for name in ("report.html", "report.md"):
        text = (run.folder / name).read_text()
        assert "NODE FAILED: bad" in text
        assert "exit code 4" in text
    suite = ElementTree.fromstring((run.folder / "report.xml").read_text())  # noqa: S314
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")


def test_service_that_failed_is_a_failed_node(bench: Bench) -> None:
    summary, _ = reported(bench, bench.node("s", "chat", broken=True), bench.node("q", "ask", service="s"))
    assert [(node.name, node.state) for node in summary.nodes] == [("s", "failed"), ("q", "skipped")]
    assert summary.exit_code == 4


def test_sound_run_has_no_failure(bench: Bench) -> None:
    summary, _ = reported(bench, bench.node("a"))
    assert (summary.failed, summary.exit_code) == ((), 0)
