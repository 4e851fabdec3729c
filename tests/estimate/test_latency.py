"""Floors of serving by hand, and that they are floors: monotone, and never above what was measured."""

import pytest

from ryot.estimate.latency import Load, Work, floors, throughput_ceiling
from ryot.estimate.platform import serving_platform
from ryot.estimate.processor import Here
from ryot.spec.hardware import Hardware

LAPTOP = Here("cpu:any x2", cpus=2, memory=24 << 30, flags=frozenset({"fma"}), mhz=2500.0, cache=32 << 20)
SEVEN = Work(weights=14_000_000_000, kv=524_288, state=0, body=13e9, head=0.5e9, attention=4 * 4096 * 32.0)
"""A 7B llama in bf16: 32 layers of width 4096, no grouped queries."""
A100 = serving_platform(Hardware(device="a100-80g"), LAPTOP)


def test_a_token_takes_as_long_as_reading_the_weights():
    found = floors(SEVEN, Load(prompt=100, output=101), A100, "bf16")
    read = 14e9 + 150.5 * 524_288 - A100.device.cache
    assert found.per_token == pytest.approx(read / 2039e9)
    assert found.further_bound == "memory"
    assert found.request == pytest.approx(found.first_token + 100 * found.per_token)


def test_a_long_prompt_is_bound_by_compute():
    found = floors(SEVEN, Load(prompt=2000), A100, "bf16")
    flops = 2000 * 13e9 + 0.5e9 + 2000**2 / 2 * SEVEN.attention
    assert (found.first_bound, found.first_token) == ("compute", pytest.approx(flops / 312e12))
    assert found.request == found.first_token


def test_a_cached_prompt_costs_only_what_is_new():
    whole, known = (floors(SEVEN, Load(prompt=2000, cached=cached), A100, "bf16").first_token for cached in (0, 5000))
    assert known < whole / 10


def test_more_devices_share_the_work():
    pair = serving_platform(Hardware.model_validate({"serve": {"device": "a100-80g", "devices": 2}}), LAPTOP)
    one, two = (floors(SEVEN, Load(prompt=100, output=50), platform, "bf16") for platform in (A100, pair))
    assert two.per_token == pytest.approx(one.per_token / 2, rel=0.01)  # a little less: there are two caches


def test_throughput_grows_with_the_batch_to_what_the_peak_allows():
    rates = [throughput_ceiling(SEVEN, Load(100, 101, batch), A100, "bf16") for batch in (1, 8, 64, 100_000)]
    assert rates == sorted(rates)
    assert rates[0] == pytest.approx(101 / 100 * 2039e9 / (14e9 + 150.5 * 524_288 - A100.device.cache))
    assert rates[-1] <= 312e12 / 13.5e9


def test_no_batch_is_slower_than_its_floor_allows():
    for batch in (1, 4, 32):
        load = Load(prompt=64, output=32, batch=batch)
        assert batch * 32 / floors(SEVEN, load, A100, "bf16").request <= throughput_ceiling(SEVEN, load, A100, "bf16") * (1 + 1e-9)


def test_a_model_in_the_cache_of_a_cpu_is_not_bound_by_its_memory():
    small = Work(weights=20 << 20, kv=4096, state=0, body=19e6, head=2e6, attention=8192)
    found = floors(small, Load(prompt=32, output=8), serving_platform(Hardware(), LAPTOP), "fp32")
    assert found.further_bound == "compute"
    assert found.request < 0.019  # p50 of one token of a 10M model was measured at 19 ms on one core of such a machine
