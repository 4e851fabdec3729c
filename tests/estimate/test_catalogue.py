"""The data files: every figure sourced, overrides laid over them, wrong names met with the right one."""

from datetime import date

import pytest

from ryot.errors import SpecError
from ryot.estimate.catalogue import by_driver_name, devices, find, find_price, first_price, prices
from ryot.spec.hardware import DeviceEntry, PriceEntry

NAMES = ("rtx-4090", "a10g", "l4", "a100-40g", "a100-80g", "h100", "h200", "b200", "mi300x")


def test_every_device_promised_is_there_with_a_source():
    assert tuple(devices()) == NAMES
    assert all(device.source and device.memory > 20e9 and device.bandwidth >= 300e9 for device in devices().values())


@pytest.mark.parametrize(
    ("name", "bf16", "fp32", "bandwidth"),
    [("a100-40g", 312e12, 19.5e12, 1555e9), ("a100-80g", 312e12, 19.5e12, 2039e9), ("h100", 989.4e12, 67e12, 3350e9),
     ("h200", 989.4e12, 67e12, 4800e9), ("b200", 2250e12, 75e12, 8e12), ("mi300x", 1307.4e12, 163.4e12, 5300e9),
     ("l4", 121e12, 30.3e12, 300e9), ("a10g", 70e12, 35e12, 600e9), ("rtx-4090", 165.2e12, 82.6e12, 1008e9)],
)  # fmt: skip
def test_figures_are_the_data_sheets_without_sparsity(name, bf16, fp32, bandwidth):
    device = find(name)
    assert (device.peak["bf16"], device.peak["fp32"], device.bandwidth) == (bf16, fp32, bandwidth)
    assert device.emulated == frozenset()


def test_memory_is_what_the_driver_reports():
    mebibytes = {name: find(name).memory / (1 << 20) for name in NAMES}
    assert mebibytes["h200"] == 143771
    assert mebibytes["b200"] == 183359
    assert mebibytes["a10g"] == 23028
    assert mebibytes["a100-40g"] == 40960


def test_a_device_is_known_by_what_its_driver_prints():
    assert by_driver_name("NVIDIA H200") == find("h200")
    assert by_driver_name("nvidia a100-sxm4-80gb") == find("a100-80g")
    assert by_driver_name("NVIDIA H100 PCIe") is None


def test_an_unknown_name_is_met_with_the_nearest():
    with pytest.raises(SpecError, match="unknown device 'a100-80gb'") as wrong:
        find("a100-80gb")
    assert "did you mean `a100-80g`?" in wrong.value.hint


def test_a_spec_corrects_a_device_and_keeps_the_rest():
    corrected = find("h100", {"h100": DeviceEntry(peak={"bf16": "756TFLOP/s"}, bandwidth="2TB/s", source="the PCIe card")})
    assert (corrected.peak["bf16"], corrected.bandwidth) == (756e12, 2e12)
    assert (corrected.peak["fp32"], corrected.memory) == (67e12, find("h100").memory)
    assert corrected.source.startswith("the PCIe card")


def test_a_spec_adds_a_device_whose_unnamed_precisions_are_emulated():
    entry = DeviceEntry(memory="16GB", bandwidth="320GB/s", peak={"fp32": "8.1TFLOP/s", "fp16": "65TFLOP/s"}, source="T4 data sheet")
    card = find("t4", {"t4": entry})
    assert card.emulated == {"bf16"}
    assert card.flops("bf16") == 8.1e12


def test_a_new_device_must_be_described_whole():
    with pytest.raises(SpecError, match=r"lacks bandwidth, peak\.fp32"):
        devices({"t4": DeviceEntry(memory="16GB", source="somewhere")})


def test_every_price_has_a_day_a_source_and_a_device():
    assert all(price.device in NAMES and price.source and price.dated <= date(2026, 11, 21) for price in prices().values())
    assert all(price.on_demand >= (price.spot or 0) and price.on_demand >= (price.reserved or 0) for price in prices().values())


def test_the_first_instance_of_a_device_is_taken_and_a_spec_has_precedence():
    own = PriceEntry(device="a10g", on_demand="0.9usd", dated=date(2026, 11, 1), source="our contract")
    assert first_price("a10g").name == "g5.xlarge"
    assert first_price("a10g", {"ours": own}).name == "ours"
    assert first_price("mi300x") is None


def test_a_spec_replaces_a_price_whole():
    own = PriceEntry(device="a10g", on_demand="0.9usd", dated=date(2026, 11, 1), source="our contract")
    assert find_price("g5.xlarge", {"g5.xlarge": own}).spot is None


def test_what_is_not_sold_so_is_said():
    with pytest.raises(SpecError, match="no price for purchase: reserved; it has on_demand, spot"):
        find_price("p4d.24xlarge").hourly("reserved")
    with pytest.raises(SpecError, match="unknown instance"):
        find_price("p4d")


def test_the_data_files_are_packaged():
    from pathlib import Path  # noqa: PLC0415
    from tomllib import loads  # noqa: PLC0415

    packaged = loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["ryot"]
    assert "**/*.toml" in packaged
