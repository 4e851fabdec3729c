from ryot.plugins import Facts, Spec
from ryot.plugins.stage import identity
from ryot.stages.compare.stage import CompareConfig, CompareStage
from ryot.stages.train.stage import TrainStage

SPEC = {
    "version": 1,
    "name": "t",
    "model": {"preset": "ryot-tiny"},
    "data": {"sources": [{"generate": {"examples": 100}}]},
    "train": {"steps": 10},
    "optimize": {"stack": [{"kernel": {"level": 1}}], "blocks": 5},
}


def spec(**sections: object) -> Spec:
    return Spec.model_validate({**SPEC, **sections})


def test_it_compares_the_two_runs_of_the_same_spec() -> None:
    (node,) = CompareStage().expand(spec(), Facts(device="cpu:test x2"))
    trained = {node.name: node.config for node in TrainStage().expand(spec(), Facts(device="cpu:test x2"))}
    assert isinstance(node.config, CompareConfig)
    assert dict(node.inputs) == {"tokens": "tokenizer", "baseline": "train.baseline", "optimized": "train.optimized"}
    assert (node.config.baseline, node.config.optimized) == (trained["train.baseline"], trained["train.optimized"])
    assert node.resources.measures_speed


def test_checkpoint_settings_do_not_compare_again() -> None:
    (often,) = CompareStage().expand(spec(train={"steps": 10, "checkpoint_every": 1}), Facts(device="cpu:test x2"))
    (seldom,) = CompareStage().expand(spec(), Facts(device="cpu:test x2"))
    assert identity(often.config) == identity(seldom.config)


def test_without_optimize_there_is_nothing_to_compare() -> None:
    assert not list(CompareStage().expand(spec(optimize=None), Facts(device="cpu:test x2")))
