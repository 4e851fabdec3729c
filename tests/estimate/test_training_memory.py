"""The heavy test holds predictions against torch's own tracker over real updates; benchmarks/memory.py does so over 24 configurations."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ryot.estimate.training_memory import TrainingMemory, training_memory
from ryot.estimate.update import BUCKET, model_states
from ryot.spec.model import Model
from ryot.spec.train import Train

SHAPE = {"hidden_size": 64, "layers": 2, "heads": 2, "ffn_size": 256, "context": 64, "vocab_size": 1024, "dropout": 0.0}
GIB = 2**30


def predict(family: str = "gpt", *, level: int = 1, device: str = "cpu", packed: bool = False, **other: Any) -> TrainingMemory:
    shape = SHAPE | {"family": family} | {name: other.pop(name) for name in list(other) if name in Model.model_fields}
    train = Train.model_validate({"batch_size": 8, "steps": 10} | other)
    return training_memory(Model.model_validate(shape), train, kernel_level=level, device=device, packed=packed)


@pytest.mark.parametrize(("stage", "gigabytes"), [(0, 120), (1, 31.4), (2, 16.6), (3, 1.9)])
def test_sharding_gives_the_table_of_the_zero_paper(stage: int, gigabytes: float) -> None:
    """Rajbhandari et al. 2020, figure 1: 7.5B parameters in mixed precision on 64 devices."""
    assert model_states(7_500_000_000, stage, 64).total / 1e9 == pytest.approx(gigabytes, abs=0.05)


def test_a_gpt_by_hand() -> None:
    """Two blocks, 512 positions: 16 N d each (norms 2, qkv 3, attention 1, residuals 2, fc and gelu 8) and 24 N, two N d around them."""
    found, positions, d = predict(), 512, 64
    trainable = 1024 * d + 2 * (4 * d * d + 2 * d * 256 + 9 * d + 256) + 2 * d
    assert found.weights == 4 * (trainable + 64 * d)
    assert (found.gradients, found.optimizer) == (4 * trainable, 8 * trainable)
    assert found.activations == 2 * (64 * positions * d + 16 * positions + 8 * positions) + 8 * positions * d + 8 * positions
    assert found.logits == 3 * 4 * positions * 1024
    assert found.at == "loss"
    assert found.peak == found.weights + found.optimizer + found.activations + found.logits + 8 * positions


def test_the_parts_stand_within_the_peak() -> None:
    for other in ({}, {"recompute": True}, {"vocab_size": 300}, {"accumulation": 2}, {"zero_stage": 3, "ranks": 4}):
        found = predict(**other)
        assert found.peak >= found.weights + found.optimizer
        assert found.temporary >= 0


def test_recomputing_keeps_a_row_for_each_block_and_16_bits_halve_the_rest() -> None:
    deep = {"layers": 24, "vocab_size": 300}
    plain, less = predict(**deep), predict(**deep, recompute=True)
    assert less.activations == (24 + 1 + 1) * 4 * 512 * 64 + 8 * 512
    assert less.peak < plain.peak / 2
    assert predict(**deep, precision="bf16").activations < 0.75 * plain.activations


def test_eager_attention_keeps_the_square_of_the_sequence() -> None:
    long = {"context": 512, "batch_size": 1}
    scores = 4 * 2 * 512**2
    kept = {level: predict(level=level, **long).activations for level in (0, 1)}
    assert kept[0] - kept[1] == 2 * (scores - 4 * 512 * 2)


def test_packed_rows_keep_the_keys_of_every_head_and_a_rotation_for_each_position() -> None:
    shape = {"family": "llama", "heads": 4, "kv_heads": 2}
    keys, rotary = 4 * 512 * 2 * (64 - 32), 2 * 4 * 16 * (512 - 64)
    assert predict(**shape, packed=True).activations - predict(**shape).activations == 2 * keys + rotary


def test_dropout_masks_are_floats_on_a_cpu_and_bytes_on_a_gpu() -> None:
    size = 512 * 64
    assert predict(dropout=0.1).activations - predict().activations == 5 * 4 * size
    assert predict(dropout=0.1, device="cuda").activations - predict(device="cuda").activations == 5 * size


def test_more_ranks_take_less_each_from_the_stage_on_that_shards() -> None:
    for stage, parts in [(1, ["optimizer"]), (2, ["optimizer", "gradients"]), (3, ["optimizer", "gradients", "weights"])]:
        one, four = predict(zero_stage=stage), predict(zero_stage=stage, ranks=4)
        for part in ("optimizer", "gradients", "weights"):
            assert getattr(four, part) == pytest.approx(getattr(one, part) / (4 if part in parts else 1), abs=1)


def test_sharding_takes_deepspeeds_bucket_and_masters() -> None:
    plain, sharded = predict(), predict(zero_stage=1)
    assert sharded.optimizer - plain.optimizer == plain.gradients
    assert sharded.peak > BUCKET * 4 > plain.peak


def test_fsdp_shards_as_the_zero_stages_do_without_deepspeeds_buckets_and_masters() -> None:
    for sharding, stage in (("none", 0), ("grad_op", 2), ("full", 3)):
        deepspeed, fsdp = predict(zero_stage=stage, ranks=4), predict(engine="fsdp", sharding=sharding, ranks=4)
        assert (fsdp.weights, fsdp.gradients, fsdp.activations) == (deepspeed.weights, deepspeed.gradients, deepspeed.activations)
        assert fsdp.optimizer == deepspeed.optimizer - (deepspeed.gradients if stage == 3 else 0)
        assert fsdp.peak <= deepspeed.peak
    none, grad_op, full = (predict(engine="fsdp", sharding=kind, ranks=4, layers=12).peak for kind in ("none", "grad_op", "full"))
    assert full < grad_op < none


def test_muon_keeps_one_moment_of_the_matrices_inside_the_blocks() -> None:
    adamw, muon = predict(), predict(optimizer="muon")
    assert adamw.optimizer - muon.optimizer == 4 * 2 * (4 * 64 * 64 + 2 * 64 * 256)
    assert muon.gradients == adamw.gradients


def test_offloading_moves_the_optimizer_and_then_the_weights_to_the_host() -> None:
    here, optimizer, everything = (predict(zero_stage=3, device="cuda", offload=what) for what in ("none", "optimizer", "all"))
    assert here.host == 0
    assert (optimizer.optimizer, optimizer.host) == (0, here.optimizer + here.gradients)
    assert (everything.weights, everything.host) == (0, optimizer.host + here.weights)
    assert everything.peak < here.peak


def test_a_checkpoint_holds_its_copy_beside_the_states() -> None:
    found = predict(layers=12, batch_size=1)
    assert found.resume_peak == pytest.approx(found.weights + found.optimizer + 3 * found.gradients, rel=0.01)
    assert found.needed == max(found.peak, found.resume_peak)
    assert predict(device="cuda").needed == predict(device="cuda").peak + 1_300_000_000


def test_seven_billion_parameters_take_what_they_are_known_to() -> None:
    """16 bytes a parameter in states (ZeRO paper, section 3.1), 34 s b h a layer at least in activations (Korthikanti et al. 2022)."""
    shape = {"hidden_size": 4096, "layers": 32, "heads": 32, "ffn_size": 16384, "context": 2048, "vocab_size": 50257}
    found = predict(**shape, batch_size=1, precision="bf16", device="cuda")
    states = found.weights + found.gradients + found.optimizer
    assert states / GIB == pytest.approx(16 * 6.65e9 / GIB, rel=0.01)
    assert 34 < (found.activations - 2 * (states / 16)) / (2048 * 4096 * 32) < 42


@pytest.mark.heavy
def test_updates_take_what_was_predicted(tmp_path: Path) -> None:
    """In a process of its own: a process group and DeepSpeed's are for life."""
    found = tmp_path / "found.json"
    script = Path(__file__).parents[2] / "benchmarks" / "memory.py"
    surroundings = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, script, "--short", "--json", found], capture_output=True, text=True, env=surroundings, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    measured = json.loads(found.read_text())
    assert (len(measured["rows"]), len(measured["others"])) == (12, 7)
    assert {row["at"] for row in measured["rows"]} == {"loss", "block", "embedding", "reduction"}
    for row in (*measured["rows"], *measured["others"]):
        assert -0.02 <= row["error"] <= 0.05, row
        assert row["rss_growth"] > 0
    for row in measured["rows"]:
        assert abs(row["error"]) < 0.002, row  # as accurate as where it was written
