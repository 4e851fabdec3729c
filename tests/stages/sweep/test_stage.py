"""The node of a sweep."""

from typing import Any

import pytest

from ryot.plugins import Facts, Spec, SpecError
from ryot.stages.sweep.stage import SweepConfig, SweepStage


def nodes(**sections: Any) -> list[Any]:
    spec = {
        "version": 1,
        "name": "small",
        "model": {"preset": "ryot-simple"},
        "data": {"sources": [{"generate": {"examples": 1000}}], "held_out": 0.1},
        "train": {"steps": 10, "batch_size": 8},
        **sections,
    }
    return list(SweepStage().expand(Spec.model_validate(spec), Facts({}, {}, "cpu")))


SWEEP = {"over": {"train.lr": {"min": 1e-4, "max": 1e-2, "log": True}}, "trials": 5}
STACK = {"stack": [{"kernel": {"level": 3}}, {"compressor": {"ratio": 0.3}}, {"scaling": {}}], "auto": True}


def test_it_is_there_only_where_it_is_asked_for() -> None:
    assert nodes() == []
    (node,) = nodes(sweep=SWEEP)
    assert (node.name, node.inputs, node.samples) == ("sweep", {"tokens": "tokenizer"}, {"best_loss": 50, "loss_reduction": 50})
    assert (node.config.documents, node.config.trials) == (80, 5)


def test_a_trial_trains_as_the_stack_does_without_what_is_chosen_by_timing() -> None:
    (node,) = nodes(sweep=SWEEP, optimize=STACK)
    config: SweepConfig = node.config
    assert (config.train.kernel.level, config.train.scaling) == (1, None)
    assert config.train.compressor is not None
    assert not config.train.compressor.auto


def test_it_comes_after_a_rehearsal() -> None:
    (node,) = nodes(sweep=SWEEP, rehearse={})
    assert node.after


def test_a_value_that_the_spec_could_not_have_is_refused() -> None:
    with pytest.raises(SpecError, match=r"sweep\.over\.train\.lr: 20\.0: Input should be less than 10"):
        nodes(sweep={"over": {"train.lr": [1e-3, 20.0]}})
