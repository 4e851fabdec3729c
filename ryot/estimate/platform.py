"""What a spec trains and serves on: a device, how many, at what share of its peak, at what price. Pure: the machine is an argument."""

import math
from dataclasses import dataclass

from ryot.errors import SpecError
from ryot.estimate.catalogue import Device, Price, Purchase, by_driver_name, corrected, described, find, find_price, first_price
from ryot.estimate.processor import Here, processor
from ryot.spec.hardware import Hardware, Precision

HERE = "here"
"""The name of this machine's device in a spec."""
ACCELERATOR_SHARE, PROCESSOR_SHARE, TILES_SHARE = 0.40, 0.60, 0.30
"""Shares of the peak that training reaches (MFU). Accelerators: 40 %, between llm-foundry's 1B at 42 % and what small models reach.
CPUs: 60 % of FMA's nominal peak. AMX tiles wait for memory: 30 %. All are assumptions until a run has been measured."""


@dataclass(frozen=True, slots=True)
class Platform:
    """`count` devices of one kind on so many `machines`. `host_memory` in bytes over all hosts, None where it is not known; `here` when it
    is this machine's, and the others are taken to be like it.

    A machine's CPU counts as one device however many ranks train on it: they share its cores and its memory.
    """

    device: Device
    count: int
    host_memory: int | None
    utilisation: float
    utilisation_source: str
    price: Price | None
    purchase: Purchase
    here: bool
    machines: int = 1

    @property
    def instances(self) -> int:
        """Instances rented for `count` devices on `machines`; as many as these where the price is not known."""
        return max(math.ceil(self.count / self.price.devices) if self.price else 1, self.machines)

    @property
    def hourly(self) -> float | None:
        """US dollars an hour for all instances; None without a price. Raises SpecError when it is not sold so."""
        return self.price.hourly(self.purchase) * self.instances if self.price else None

    @property
    def words(self) -> str:
        """`this machine`, or the device's name."""
        return "this machine" if self.here else self.device.name

    def flops(self, precision: Precision) -> float:
        """FLOP/s that training reaches on all devices: count x peak x utilisation."""
        return self.count * self.device.flops(precision) * self.utilisation


def training_platform(
    hardware: Hardware, machine: Here, ranks: int = 1, precision: Precision = "fp32", machines: int = 1
) -> Platform | None:
    """What the spec trains on: `hardware.device`, else the device of `hardware.price`, else this machine's.

    `ranks` are the training processes on all `machines`, one a device unless `hardware.devices` says otherwise; `precision` decides how
    much of a CPU's peak is reached. None when this machine's accelerator is in no catalogue. Raises SpecError for unknown names.
    """
    device, here = _device(hardware, machine, hardware.device or _priced(hardware, hardware.price))
    if device is None:
        return None
    count = machines if device.kind == "cpu" else hardware.devices or ranks
    price = _price(hardware, device, hardware.price, here)
    utilisation, source = _share(hardware, device, precision)
    memory = machine.memory * machines if here else _rented(price, count, machines)
    return Platform(device, count, memory, utilisation, source, price, hardware.purchase, here, machines)


def serving_platform(hardware: Hardware, machine: Here) -> Platform | None:
    """What the spec serves on: `hardware.serve`, and where that says nothing, the device and price it trains on. Floors are at the
    device's peak, so its utilisation is 1. None and SpecError as for training."""
    serve = hardware.serve
    same = serve.device is None and serve.price is None
    wanted = hardware.price if same else serve.price
    device, here = _device(hardware, machine, hardware.device if same and hardware.device else serve.device or _priced(hardware, wanted))
    if device is None:
        return None
    count = 1 if device.kind == "cpu" else serve.devices
    price = _price(hardware, device, wanted, here)
    memory = machine.memory if here else _rented(price, count)
    return Platform(device, count, memory, 1.0, "the device's peak", price, serve.purchase, here)


def _rented(price: Price | None, count: int, machines: int = 1) -> int | None:
    """Bytes of the rented hosts' memory; None where it is not known."""
    return price.host_memory * max(math.ceil(count / price.devices), machines) if price and price.host_memory else None


def _device(hardware: Hardware, machine: Here, name: str | None) -> tuple[Device | None, bool]:
    """The device of that name, or this machine's when it is None or `here`; and whether it is this machine's."""
    if name not in (None, HERE):
        return find(name, hardware.catalogue), False
    entry, printed = hardware.catalogue.get(HERE), machine.accelerator
    found = by_driver_name(printed, hardware.catalogue) if printed else processor(machine, hardware.cpus)
    if entry is None:
        return found, True
    return (corrected(found, entry) if found else described(HERE, entry)), True


def _priced(hardware: Hardware, price: str | None) -> str | None:
    """The device that a named instance has; None where none is named."""
    return find_price(price, hardware.prices).device if price else None


def _price(hardware: Hardware, device: Device, wanted: str | None, here: bool) -> Price | None:
    """The named instance, else the first that has the device; a machine that is there already costs nothing unless one is named.
    Raises SpecError when the named one has another device."""
    if wanted is None:
        return None if here else first_price(device.name, hardware.prices)
    price = find_price(wanted, hardware.prices)
    if price.device not in (device.name, HERE if here else device.name):
        raise SpecError(f"{price.name} has {price.device}, not {device.name}", hint="name an instance with that device, or leave it out")
    return price


def _share(hardware: Hardware, device: Device, precision: Precision) -> tuple[float, str]:
    if hardware.utilisation is not None:
        return hardware.utilisation, "the spec"
    if device.kind != "cpu":
        return ACCELERATOR_SHARE, "assumed for accelerators"
    tiles = device.flops(precision) > 8 * device.flops("fp32")
    return (TILES_SHARE, "assumed for AMX") if tiles else (PROCESSOR_SHARE, "assumed for CPUs")
