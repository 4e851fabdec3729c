"""The node that takes the stack apart."""

from typing import Any

import pytest

from ryot.plugins import Facts, Spec, SpecError
from ryot.stages.ablate.stage import AblateStage

OPTIMIZE = {"stack": [{"kernel": {"level": 3}}], "ablate": {"rounds": 6}}


def nodes(optimize: dict[str, Any] | None) -> list[Any]:
    spec = {
        "version": 1,
        "name": "small",
        "model": {"preset": "ryot-simple"},
        "data": {"sources": [{"generate": {}}]},
        "train": {"steps": 10},
        "optimize": optimize,
    }
    return list(AblateStage().expand(Spec.model_validate(spec), Facts({}, {}, "cpu")))


def test_it_is_there_only_where_it_is_asked_for() -> None:
    assert nodes(None) == nodes({"stack": []}) == []
    (node,) = nodes(OPTIMIZE)
    assert node.inputs == {"tokens": "tokenizer", "optimized": "train.optimized"}
    assert node.config.rounds == 6
    assert set(node.samples.values()) == {6}


def test_a_baseline_that_is_optimized_itself_is_refused() -> None:
    with pytest.raises(SpecError, match="down to kernel level 0 or 1, and the baseline's is 2"):
        nodes(OPTIMIZE | {"baseline": {"kernel": {"level": 2}}})
