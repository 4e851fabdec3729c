"""What a stage still owes: every declared measure but the optional ones."""

from pathlib import Path

from ryot.plugins import Measure
from ryot.plugins.testing import context_in
from ryot.stages.ablate.stage import AblateStage


def test_an_optional_measure_may_stay_unmeasured_and_any_other_may_not(tmp_path: Path) -> None:
    measures = tuple(Measure(name=name, kind="exact", optional=name == "c") for name in ("a", "b", "c"))
    context = context_in(tmp_path, AblateStage(), [], measures=measures)
    assert context.unmeasured == ["a", "b"]
    context.measure("b", 1.0)
    assert context.unmeasured == ["a"]
