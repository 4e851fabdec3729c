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
    (silent,) = nodes(train={"steps": 10, "track": []})
    assert identity(often.config) == identity(seldom.config) == identity(silent.config)


def test_ranks_are_part_of_the_identity() -> None:
    (one,), (two,) = nodes(), nodes(train={"steps": 10, "ranks": 2})
    assert identity(one.config) != identity(two.config)


def test_a_preset_and_its_values_are_one_identity() -> None:
    (named,) = nodes()
    shape = Spec.model_validate(BASE).model.shape()
    (written,) = nodes(model=shape)
    assert identity(named.config) == identity(written.config)


def test_compiled_zero_3_is_refused_before_anything_runs() -> None:
    with pytest.raises(SpecError, match="ZeRO stage 3"):
        nodes(train={"steps": 10, "zero_stage": 3}, optimize=STACK)


@pytest.mark.parametrize("sharding", ["full", "grad_op"])
def test_compiled_blocks_are_not_sharded_by_fsdp(sharding: str) -> None:
    with pytest.raises(SpecError, match="which FSDP takes apart") as caught:
        nodes(train={"steps": 10, "engine": "fsdp", "sharding": sharding}, optimize=STACK)
    assert "sharding: none" in (caught.value.hint or "")
    assert len(nodes(train={"steps": 10, "engine": "fsdp", "sharding": "none"}, optimize=STACK)) == 2


def test_fsdp_shards_fully_where_nothing_else_is_said() -> None:
    (unsaid,), (said,) = (nodes(train={"steps": 10, "engine": "fsdp", **more}) for more in ({}, {"sharding": "full"}))
    assert identity(unsaid.config) == identity(said.config)
    assert (config(said).recipe.engine, config(said).recipe.sharding) == ("fsdp", "full")
    (deepspeed,) = nodes()
    assert config(deepspeed).recipe.sharding is None


def test_planning_loads_no_torch() -> None:
    code = "import sys, ryot.stages.train.stage, ryot.stages.compare.stage, ryot.stages.export.stage; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("ratio", "refused"), [(0.3, True), (0.0, False)])
def test_a_hybrid_s_rows_are_never_packed(ratio: float, refused: bool) -> None:
    sections = {"model": {"preset": "hybrid-tiny"}, "optimize": {"stack": [{"compressor": {"ratio": ratio}}]}}
    if refused:
        with pytest.raises(SpecError, match="one document's state into the next") as caught:
            nodes(**sections)
        assert "leave the compressor out" in (caught.value.hint or "")
    else:
        assert len(nodes(**sections)) == 2


def test_a_hybrid_s_mixers_are_in_its_shape() -> None:
    (node,) = nodes(model={"preset": "hybrid-1.3b"})
    shape = config(node).model
    assert shape.mamba is not None
    assert (shape.mamba.state_size, shape.mamba.head_size, shape.attention_layers) == (128, 64, (1, 2, 6, 11, 16, 20, 21, 22, 23))


def test_precision_and_optimizer_are_part_of_the_identity() -> None:
    ways: list[dict[str, object]] = [{}, {"precision": "fp16"}, {"optimizer": "muon"}]
    assert len({str(identity(nodes(train={"steps": 10, **way})[0].config)) for way in ways}) == 3


def test_offloading_and_recomputing_are_part_of_the_identity() -> None:
    (plain,), (offloaded,) = (nodes(train={"steps": 10, "zero_stage": 2, "offload": where}) for where in ("none", "optimizer"))
    (recomputed,) = nodes(train={"steps": 10, "zero_stage": 2, "recompute": True})
    assert len({str(identity(node.config)) for node in (plain, offloaded, recomputed)}) == 3


@pytest.mark.heavy
@pytest.mark.parametrize("updates", [4, 16, 25, 32, 1000])
def test_looks_are_at_the_same_shares_of_runs_of_any_length(updates: int) -> None:
    from ryot.stages.train.rank import looks_after  # noqa: PLC0415 - it imports torch

    config = TrainConfig.model_construct(evaluate_every=0, looks=3)
    found = [done for done in range(1, updates + 1) if looks_after(config, done, updates)]
    assert len(found) == 3
    assert all(abs(done - share * updates) <= 0.5 for done, share in zip(found, (0.25, 0.5, 0.75), strict=True))
