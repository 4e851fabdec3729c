"""What a stage still owes: every declared measure but the optional ones."""

from pathlib import Path

from ryot.measures import parse_target
from ryot.plugins import Measure, Target
from ryot.plugins.testing import context_in
from ryot.stages.ablate.stage import AblateStage


def test_an_optional_measure_may_stay_unmeasured_and_any_other_may_not(tmp_path: Path) -> None:
    measures = tuple(Measure(name=name, kind="exact", optional=name == "c") for name in ("a", "b", "c"))
    context = context_in(tmp_path, AblateStage(), [], measures=measures)
    assert context.unmeasured == ["a", "b"]
    context.measure("b", 1.0)
    assert context.unmeasured == ["a"]


def test_what_was_measured_so_far_is_judged_as_a_verdict_would(tmp_path: Path) -> None:
    measures = (Measure(name="a", kind="exact"), Measure(name="b", kind="exact", optional=True))
    context = context_in(tmp_path, AblateStage(), [], measures=measures)
    context.measure("a", 3.0)
    context.lack("b", "it is dark")
    first, second, third = (Target.model_validate(parse_target(text)) for text in ("n/a < 4", "n/a < 3", "n/b < 1"))
    assert [context.judged(target).status for target in (first, second, third)] == ["PASS", "FAIL", "ERROR"]
    assert context.judged(third).reason == "n/b was not measured: it is dark"
