"""Why a node runs: what never ran is told from what is gone."""

import shutil

from ryot.engine.survey import plan_of, survey
from ryot.store.journal import all_runs
from tests.conftest import Bench


def test_node_behind_one_that_failed_never_ran(bench: Bench) -> None:
    plan = bench.plan(bench.node("bad", fail=True), bench.node("after", inputs=["bad"]))
    bench.apply(plan)
    earlier = plan_of(all_runs(bench.store.runs)[-1])
    assert survey(plan, bench.store, earlier)["after"].why == "never ran; waits for bad"


def test_result_that_was_removed_is_gone_even_two_runs_later(bench: Bench) -> None:
    plan = bench.plan(bench.node("a"))
    bench.apply(plan)
    bench.apply(plan)
    shutil.rmtree(bench.out(plan, "a").parent)
    earlier = plan_of(all_runs(bench.store.runs)[-1])
    assert survey(plan, bench.store, earlier)["a"].why == "its result is gone"
