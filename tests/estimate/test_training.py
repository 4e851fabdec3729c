"""What the training nodes of a spec take, where a kernel may compute in bf16."""

from dataclasses import replace
from typing import Any

import pytest

from ryot.estimate.estimates import estimate
from ryot.estimate.processor import Here
from ryot.estimate.training import TrainingEstimate
from ryot.spec import Spec

PLAIN = Here("cpu:AMD EPYC x2", cpus=2, memory=24 << 30, flags=frozenset({"avx512f", "fma"}), mhz=2500.0, cache=32 << 20)
WITH_BF16 = replace(PLAIN, flags=PLAIN.flags | {"avx512_bf16"})


def trained(machine: Here, kernel: dict[str, Any], **train: Any) -> dict[str, TrainingEstimate]:
    spec = Spec.model_validate(
        {
            "version": 1,
            "name": "small",
            "model": {"preset": "ryot-scaled"},
            "data": {"sources": [{"generate": {"examples": 1000}}]},
            "train": {"samples": 640, "epochs": 1, **train},
            "optimize": {"stack": [{"kernel": kernel}]},
        }
    )
    return {item.node: item for item in estimate(spec, machine).training}


@pytest.mark.parametrize("level", [2, 3])
def test_where_the_device_has_bf16_an_optimized_update_is_reckoned_in_it(level: int) -> None:
    found = trained(WITH_BF16, {"level": level})
    assert found["train.optimized"].step_s == pytest.approx((found["train.baseline"].step_s or 0) / 2)
    assert found["train.optimized"].basis == "60% of the peak in bf16 (assumed for CPUs)"
    assert found["train.baseline"].basis == "60% of the peak (assumed for CPUs)"


@pytest.mark.parametrize(
    ("machine", "kernel"), [(PLAIN, {"level": 3}), (WITH_BF16, {"level": 1}), (WITH_BF16, {"level": 3, "bf16": False})]
)
def test_without_bf16_both_sides_are_reckoned_alike(machine: Here, kernel: dict[str, Any]) -> None:
    found = trained(machine, kernel)
    assert found["train.optimized"].step_s == found["train.baseline"].step_s


def test_memory_is_the_larger_of_both_arithmetics() -> None:
    either, never = trained(WITH_BF16, {"level": 3}), trained(WITH_BF16, {"level": 3, "bf16": False})
    half = trained(WITH_BF16, {"level": 3}, precision="bf16")
    needed = [found["train.optimized"].memory.needed for found in (either, never, half)]
    assert needed[0] == max(needed[1:])
