"""Devices and what renting them costs: the two data files beside this one, with a spec's own entries laid over them.

Nothing here probes a machine. Every figure carries its source; prices carry their day.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from ryot.errors import SpecError
from ryot.spec.hardware import DeviceEntry, Precision, PriceEntry

Kind = Literal["cpu", "cuda", "rocm"]
Purchase = Literal["on_demand", "spot", "reserved"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16", "fp16")
_OURS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Device:
    """One accelerator, or all cores of a machine. Bytes, bytes/s, FLOP/s of dense products; `cache` is the last level's size.

    `headroom` is by how much the true limits may exceed these figures: 1 for an accelerator, whose data sheet states its peak at
    full clock; more for a CPU, of which only the nominal clock is known.
    """

    name: str
    kind: Kind
    memory: int
    bandwidth: float
    peak: Mapping[Precision, float]
    source: str
    cache: int = 0
    headroom: float = 1.0
    matches: tuple[str, ...] = ()

    @property
    def emulated(self) -> frozenset[Precision]:
        """Precisions it has no instructions for: they work, much slower than fp32."""
        return frozenset(PRECISIONS) - self.peak.keys()

    def flops(self, precision: Precision) -> float:
        """FLOP/s at `precision`. An emulated one has fp32's, which it cannot exceed."""
        return self.peak.get(precision, self.peak["fp32"])


@dataclass(frozen=True, slots=True)
class Price:
    """What an hour of an instance costs in US dollars on the day `dated`. `host_memory` in bytes, None where it is not known."""

    name: str
    device: str
    devices: int
    on_demand: float
    spot: float | None
    reserved: float | None
    dated: date
    source: str
    host_memory: int | None = None

    def hourly(self, purchase: Purchase) -> float:
        """US dollars an hour. Raises SpecError where the instance has no price of that kind."""
        found: float | None = getattr(self, purchase)
        if found is None:
            kinds = [kind for kind in ("on_demand", "spot", "reserved") if getattr(self, kind) is not None]
            raise SpecError(
                f"{self.name} has no price for purchase: {purchase}; it has {', '.join(kinds)}",
                hint=f"write hardware.prices.{self.name} with a {purchase} price and its source",
            )
        return found


def devices(overrides: Mapping[str, DeviceEntry] = _OURS) -> Mapping[str, Device]:
    """All devices by name, the spec's entries (`hardware.catalogue`) laid over the catalogue's. Raises SpecError for a new device
    without memory, bandwidth and an fp32 peak. The entry `here` corrects this machine's device and is none of these."""
    found = dict(_devices())
    for name, entry in overrides.items():
        if name != "here":
            found[name] = corrected(found[name], entry) if name in found else described(name, entry)
    return found


def corrected(device: Device, entry: DeviceEntry) -> Device:
    """A device with what the spec says in place of what was known."""
    return replace(
        device,
        memory=entry.memory or device.memory,
        bandwidth=entry.bandwidth or device.bandwidth,
        peak=MappingProxyType({**device.peak, **entry.peak}),
        source=f"{entry.source}; else {device.source}",
    )


def described(name: str, entry: DeviceEntry) -> Device:
    """A device that only the spec knows. Raises SpecError when it lacks memory, bandwidth or an fp32 peak."""
    lacks = [what for what, value in (("memory", entry.memory), ("bandwidth", entry.bandwidth)) if value is None]
    lacks += [] if "fp32" in entry.peak else ["peak.fp32"]
    if lacks or entry.memory is None or entry.bandwidth is None:
        hint = f"add it, or correct one of the catalogue's: {_meant(name, _devices())}"
        raise SpecError(f"hardware.catalogue.{name} lacks {', '.join(lacks)}", hint=hint)
    return Device(name, "cuda", entry.memory, entry.bandwidth, MappingProxyType(dict(entry.peak)), entry.source)


def find(name: str, overrides: Mapping[str, DeviceEntry] = _OURS) -> Device:
    """The device of that name. Raises SpecError, with the nearest name, when there is none."""
    known = devices(overrides)
    if name not in known:
        raise SpecError(f"unknown device {name!r}", hint=f"{_meant(name, known)}; or describe it under hardware.catalogue")
    return known[name]


def by_driver_name(printed: str, overrides: Mapping[str, DeviceEntry] = _OURS) -> Device | None:
    """The device a driver prints as `printed` (`NVIDIA H200`), or the spec's entry of exactly that name; None when unknown."""
    wanted = printed.strip().lower()
    named = (device for device in devices(overrides).values() if wanted in (device.name.lower(), *map(str.lower, device.matches)))
    return next(named, None)


def prices(overrides: Mapping[str, PriceEntry] = _OURS) -> Mapping[str, Price]:
    """All instances by name; an entry of the spec (`hardware.prices`) replaces the list's whole entry."""
    return {**_prices(), **{name: Price(name=name, **entry.model_dump()) for name, entry in overrides.items()}}


def find_price(name: str, overrides: Mapping[str, PriceEntry] = _OURS) -> Price:
    """The instance of that name. Raises SpecError, with the nearest name, when there is none."""
    known = prices(overrides)
    if name not in known:
        raise SpecError(f"unknown instance {name!r}", hint=f"{_meant(name, known)}; or give its price under hardware.prices")
    return known[name]


def first_price(device: str, overrides: Mapping[str, PriceEntry] = _OURS) -> Price | None:
    """What a device is rented as when the spec does not say: the spec's own first entry, else the list's newest; None for none."""
    own = [name for name, entry in overrides.items() if entry.device == device]
    known = prices(overrides)
    if own:
        return known[own[0]]
    return max((price for price in known.values() if price.device == device), key=lambda price: (price.dated, -price.devices), default=None)


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known := list(known), 1, 0.5)
    return f"did you mean `{near[0]}`?" if near else f"there are {', '.join(known)}"


@cache
def _devices() -> Mapping[str, Device]:
    return {name: _device(name, fields) for name, fields in _read("devices.toml").items()}


def _device(name: str, fields: Mapping[str, Any]) -> Device:
    known = {key: value for key, value in fields.items() if key not in ("tf32", "peak", "matches")}
    return Device(name=name, peak=MappingProxyType(fields["peak"]), matches=tuple(fields["matches"]), **known)


@cache
def _prices() -> Mapping[str, Price]:
    return {name: Price(name=name, **({"spot": None, "reserved": None} | fields)) for name, fields in _read("prices.toml").items()}


def _read(name: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads(Path(__file__).with_name(name).read_text("utf-8"))
