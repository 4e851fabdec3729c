"""Training time against the five set-ups whose claims were refuted, by 6 N D FLOPs at 40 % of eight or fewer A100s."""

import pytest

from ryot.estimate.platform import training_platform
from ryot.estimate.processor import Here
from ryot.estimate.time import StepTime, step_time, training_time
from ryot.spec.hardware import Hardware
from ryot.spec.train import Train

LAPTOP = Here("cpu:any x2", cpus=2, memory=24 << 30, flags=frozenset({"fma"}), mhz=2500.0)
HOUR, DAY = 3600, 86400


def platform(devices, **hardware):
    return training_platform(Hardware(device="a100-80g", devices=devices, utilisation=0.4, **hardware), LAPTOP)


@pytest.mark.parametrize(
    ("parameters", "devices", "batch", "steps", "offload", "seconds"),
    [
        (1.44e9, 1, 4, 1000, "none", 0.16 * HOUR),
        (1.44e9, 4, 64, 50_000, "none", 1.3 * DAY),
        (2.56e9, 8, 256, 100_000, "none", 9.3 * DAY),
        (5.96e9, 8, 256, 150_000, "optimizer", 33 * DAY),
        (10.66e9, 8, 256, 200_000, "all", 78 * DAY),
    ],
)
def test_set_ups_take_what_arithmetic_says(parameters, devices, batch, steps, offload, seconds):
    train = Train(steps=steps, precision="bf16", zero_stage=0 if offload == "none" else 3, offload=offload)
    step = step_time(platform(devices), train, 6 * parameters, batch * 2048, parameters)
    assert step.bound == "compute"
    assert training_time(step.seconds, steps) == pytest.approx(seconds, rel=0.05)


def test_a_small_batch_of_a_large_model_is_bound_by_memory():
    step = step_time(platform(1), Train(steps=1, precision="bf16"), 6e9, 16, 10**9)
    assert step.bound == "memory"
    assert step.seconds == pytest.approx(28e9 / 2039e9)


def test_sharded_states_are_updated_by_all():
    plain, sharded = (step_time(platform(8), Train(steps=1, zero_stage=stage), 1, 1, 10**9).parts["memory"] for stage in (0, 1))
    assert plain == pytest.approx(8 * sharded)


def test_offload_crosses_the_link_and_the_hosts_memory():
    train = Train(steps=1, precision="bf16", zero_stage=3, offload="all", recompute=True)
    step = step_time(platform(8), train, 1, 1, 8 * 10**9)
    assert step.parts["link"] == pytest.approx(5 * 2e9 / 25e9)
    assert step.parts["host"] == pytest.approx(28 * 8e9 / 100e9)
    assert step.bound == "host"


def test_the_busiest_resource_decides():
    assert (StepTime({"compute": 1.0, "memory": 2.0}).bound, StepTime({"compute": 1.0, "memory": 2.0}).seconds) == ("memory", 2.0)
