"""Who waits for the comparison."""

from typing import Any

import pytest

from ryot.plugins import Spec
from ryot.stages.compare.gate import gate_of

BASE: dict[str, Any] = {
    "version": 1,
    "name": "t",
    "model": {"preset": "ryot-tiny"},
    "data": {"sources": [{"generate": {"examples": 100}}]},
    "train": {"steps": 10},
}


@pytest.mark.parametrize(("optimize", "weights", "waits"), [
    (None, "train", False),
    ({"gate": "continue"}, "train.optimized", False),
    ({"gate": "stop"}, "train.optimized", True),
    ({"gate": "stop"}, "finetune", False),
])  # fmt: skip
def test_only_what_reads_trained_weights_waits_for_a_gate_that_stops(optimize: Any, weights: str, waits: bool) -> None:
    assert gate_of(Spec.model_validate({**BASE, "optimize": optimize}), weights) == ({"comparison": "compare"} if waits else {})
