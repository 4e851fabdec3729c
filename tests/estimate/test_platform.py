"""What a spec trains and serves on, from its `hardware` and a machine given as data."""

from datetime import date

import pytest

from ryot.errors import SpecError
from ryot.estimate.platform import serving_platform, training_platform
from ryot.estimate.processor import Here, processor
from ryot.spec.hardware import Hardware

LAPTOP = Here("cpu:AMD EPYC x2", cpus=2, memory=24 << 30, flags=frozenset({"avx", "avx2", "fma"}), mhz=2500.0, cache=32 << 20)
NODE = Here("cuda:NVIDIA H200 x8", cpus=64, memory=1 << 40, flags=frozenset({"avx512f"}), mhz=2000.0)
ODD = Here("cuda:NVIDIA T400 x1", cpus=8, memory=1 << 34, flags=frozenset(), mhz=2000.0)


def test_a_processor_without_bf16_instructions_emulates_it():
    device = processor(LAPTOP)
    assert device.peak == {"fp32": 2 * 2.5e9 * 32}
    assert device.emulated == {"bf16", "fp16"}
    assert device.memory == 24 << 30


@pytest.mark.parametrize(
    ("name", "flags", "cycle"),
    [
        ("Intel Xeon", "avx512f fma", {"fp32": 64}),
        ("Intel Xeon", "avx512f avx512_bf16 amx_bf16", {"fp32": 64, "bf16": 1024}),
        ("Intel Xeon", "avx512f avx512_fp16 avx512_bf16", {"fp32": 64, "bf16": 128, "fp16": 128}),
        ("AMD EPYC", "avx512f avx512_bf16", {"fp32": 32, "bf16": 64}),
        ("AMD EPYC", "avx512f avx512_bf16 avx512_vp2intersect", {"fp32": 64, "bf16": 128}),
        ("Neoverse-V1", "asimd asimdhp bf16", {"fp32": 16, "bf16": 32, "fp16": 32}),
        ("any", "", {"fp32": 8}),
    ],
)
def test_peak_follows_the_flags(name, flags, cycle):
    machine = Here(f"cpu:{name} x4", cpus=4, memory=1 << 34, flags=frozenset(flags.split()), mhz=1000.0)
    assert processor(machine).peak == {precision: 4e9 * flops for precision, flops in cycle.items()}


def test_threads_of_one_core_share_its_units():
    machine = Here("cpu:x x8", cpus=8, memory=1 << 34, flags=frozenset({"fma"}), mhz=1000.0, threads_per_core=2)
    assert processor(machine).peak["fp32"] == 4 * 1e9 * 32
    assert processor(machine, cpus=4).peak["fp32"] == 2 * 1e9 * 32


def test_without_hardware_a_spec_trains_here_for_nothing():
    platform = training_platform(Hardware(), LAPTOP, ranks=2)
    assert (platform.here, platform.count, platform.price, platform.hourly) == (True, 1, None, None)
    assert (platform.utilisation, platform.host_memory) == (0.6, 24 << 30)


def test_an_accelerator_here_is_recognised_and_has_a_rank_each():
    platform = training_platform(Hardware(), NODE, ranks=4)
    assert (platform.device.name, platform.count, platform.here) == ("h200", 4, True)
    assert platform.host_memory == 1 << 40


def test_an_accelerator_no_catalogue_has_is_no_platform_until_described():
    assert training_platform(Hardware(), ODD) is None
    entry = {"memory": "2GB", "bandwidth": "80GB/s", "peak": {"fp32": "1TFLOP/s"}, "source": "its data sheet"}
    for name in ("here", "NVIDIA T400"):
        described = training_platform(Hardware.model_validate({"catalogue": {name: entry}}), ODD)
        assert (described.device.memory, described.here) == (2_000_000_000, True)


def test_eight_a100_are_one_instance_and_nine_are_two():
    hardware = {"device": "a100-40g", "devices": 8, "price": "p4d.24xlarge"}
    platform = training_platform(Hardware.model_validate(hardware), LAPTOP)
    assert (platform.price.name, platform.instances, platform.hourly) == ("p4d.24xlarge", 1, 32.77)
    assert platform.flops("bf16") == pytest.approx(8 * 312e12 * 0.4)
    assert platform.host_memory == 1152 << 30
    more = training_platform(Hardware.model_validate(hardware | {"devices": 9, "purchase": "spot"}), LAPTOP)
    assert (more.instances, more.hourly) == (2, pytest.approx(30.14))


def test_a_named_price_brings_its_device():
    platform = training_platform(Hardware(price="p5.48xlarge"), LAPTOP, ranks=8)
    assert (platform.device.name, platform.hourly) == ("h100", 55.04)


def test_a_price_of_another_device_is_refused():
    with pytest.raises(SpecError, match=r"g5\.xlarge has a10g, not h100"):
        training_platform(Hardware(device="h100", price="g5.xlarge"), LAPTOP)


def test_a_machine_of_ones_own_can_have_a_price():
    price = {"device": "here", "on_demand": "1usd", "dated": date(2026, 1, 1), "source": "electricity"}
    platform = training_platform(Hardware.model_validate({"price": "desk", "prices": {"desk": price}}), LAPTOP)
    assert (platform.here, platform.hourly) == (True, 1.0)


def test_utilisation_is_the_specs_when_it_says_one():
    platform = training_platform(Hardware(utilisation="50%", device="h100"), LAPTOP)
    assert (platform.utilisation, platform.utilisation_source) == (0.5, "the spec")


def test_amx_is_reckoned_with_at_a_lower_share():
    machine = Here("cpu:Xeon x4", cpus=4, memory=1 << 34, flags=frozenset({"avx512f", "amx_bf16"}), mhz=2000.0)
    assert training_platform(Hardware(), machine, precision="bf16").utilisation == 0.3
    assert training_platform(Hardware(), machine, precision="fp32").utilisation == 0.6


def test_serving_is_where_training_is_unless_said_otherwise():
    here = serving_platform(Hardware(), LAPTOP)
    assert (here.device.kind, here.here, here.utilisation) == ("cpu", True, 1.0)
    same = serving_platform(Hardware(device="h100", devices=8), LAPTOP)
    assert (same.device.name, same.count, same.price.name) == ("h100", 1, "p5.48xlarge")
    other = serving_platform(Hardware.model_validate({"device": "h100", "serve": {"price": "g5.xlarge", "purchase": "reserved"}}), LAPTOP)
    assert (other.device.name, other.hourly) == ("a10g", 0.68)


def test_fewer_cores_are_a_smaller_processor():
    assert training_platform(Hardware(cpus=1), LAPTOP).device.peak["fp32"] == 2.5e9 * 32


def test_machines_are_reckoned_with_as_they_are_asked_for():
    two = training_platform(Hardware(), LAPTOP, ranks=4, machines=2)
    assert (two.count, two.machines, two.host_memory) == (2, 2, 48 << 30)
    rented = Hardware(price="p4d.24xlarge")
    spread = training_platform(rented, LAPTOP, ranks=8, machines=2)
    assert (spread.count, spread.instances) == (8, 2)
    assert spread.hourly == 2 * training_platform(rented, LAPTOP, ranks=8).hourly
