import subprocess
import sys

import pytest

from ryot.plugins import Facts, Node, Spec, SpecError
from ryot.plugins.stage import identity
from ryot.stages.train.stage import TrainConfig, TrainStage

BASE = {
    "version": 1,
    "name": "t",
    "model": {"preset": "ryot-tiny"},
    "data": {"sources": [{"generate": {"examples": 100}}]},
    "train": {"steps": 10},
}
STACK = {"stack": [{"kernel": {"level": 2}}, {"compressor": {"ratio": 0.3}}, {"scaling": {"warmup_steps": 4}}]}


def nodes(**sections: object) -> list[Node]:
    return list(TrainStage().expand(Spec.model_validate({**BASE, **sections}), Facts(device="cpu:test x2")))


def config(node: Node) -> TrainConfig:
    assert isinstance(node.config, TrainConfig)
    return node.config


def test_without_optimize_there_is_one_node() -> None:
    assert [node.name for node in nodes()] == ["train"]


def test_optimize_makes_a_plain_baseline_and_the_stack() -> None:
    baseline, optimized = nodes(optimize=STACK)
    assert (baseline.name, optimized.name) == ("train.baseline", "train.optimized")
    assert config(baseline).kernel.level == 0
    assert config(baseline).compressor is None
    assert config(baseline).scaling is None
    assert config(optimized).kernel.level == 2
    assert config(optimized).model == config(baseline).model
    assert config(optimized).recipe == config(baseline).recipe


def test_checkpoint_settings_are_no_part_of_the_identity() -> None:
    (often,), (seldom,) = nodes(train={"steps": 10, "checkpoint_every": 1}), nodes(train={"steps": 10, "keep_checkpoints": 9})
    assert identity(often.config) == identity(seldom.config)


def test_ranks_are_part_of_the_identity() -> None:
    (one,), (two,) = nodes(), nodes(train={"steps": 10, "ranks": 2})
    assert identity(one.config) != identity(two.config)


def test_a_preset_and_its_values_are_one_identity() -> None:
    (named,) = nodes()
    shape = Spec.model_validate(BASE).model.model_dump(exclude={"preset"})
    (written,) = nodes(model=shape)
    assert identity(named.config) == identity(written.config)


def test_fp16_and_compiled_zero_3_are_refused_before_anything_runs() -> None:
    with pytest.raises(SpecError, match="fp16"):
        nodes(train={"steps": 10, "precision": "fp16"})
    with pytest.raises(SpecError, match="ZeRO stage 3"):
        nodes(train={"steps": 10, "zero_stage": 3}, optimize=STACK)


def test_planning_loads_no_torch() -> None:
    code = "import sys, ryot.stages.train.stage, ryot.stages.compare.stage, ryot.stages.export.stage; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
