"""`hardware`: the devices a spec is meant for, what they cost, and what may be spent. `claims`: numbers the author believes.

Only plans read them: nothing here changes a result.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from ryot.spec.presets import MODELS
from ryot.spec.section import Section
from ryot.units import Bandwidth, Bytes, ComputeRate, Count, Duration, Factor, Money, Proportion

Precision = Literal["fp32", "bf16", "fp16"]
_Name = Annotated[str, StringConstraints(pattern=r"^[\w.\-+ ]{1,64}$")]
RefusalName = Literal["memory", "serving_memory", "latency", "throughput", "budget", "entropy", "repeats", "precision"]
"""What a plan may refuse, by the name under which `allow` lets it pass."""


class DeviceEntry(Section):
    """A device of the author's own, or corrections to one of the catalogue's."""

    memory: Bytes | None = Field(None, ge=1)
    """Memory of one device."""
    bandwidth: Bandwidth | None = None
    """Bytes it reads from that memory in a second."""
    peak: dict[Precision, ComputeRate] = {}
    """Dense matrix products: floating-point operations in a second, by precision."""
    source: str = Field(min_length=1)
    """Where these numbers come from."""


class PriceEntry(Section):
    """What an instance costs in an hour."""

    device: str
    """The device it has."""
    devices: int = Field(1, ge=1)
    """How many of them."""
    on_demand: Money
    """An hour, without commitment."""
    spot: Money | None = None
    """An hour that may be taken away."""
    reserved: Money | None = None
    """An hour, committed for a year."""
    host_memory: Bytes | None = Field(None, ge=1)
    """Memory of its host; where it is not said, offloading is not held against it."""
    dated: date
    """The day this was the price."""
    source: str = Field(min_length=1)
    """Where it was read."""


class ServingHardware(Section):
    """What the model is served on, where that is not what it is trained on."""

    device: str | None = None
    """A device of the catalogue, or `here`."""
    devices: int = Field(1, ge=1)
    """How many."""
    price: str | None = None
    """The instance it is rented as."""
    purchase: Literal["on_demand", "spot", "reserved"] = "on_demand"
    """How it is paid for."""
    hours_per_month: float = Field(730.0, gt=0, le=744)
    """Hours it runs in a month."""


class Budget(Section):
    """What may be spent. A plan that costs more is refused."""

    training: Money | None = None
    """On one training run."""
    monthly: Money | None = None
    """On a month of serving."""
    first_year: Money | None = None
    """On one training run and twelve months of serving."""


class Hardware(Section):
    """What the spec is meant to run on."""

    cpus: int | None = Field(None, ge=1)
    """Cores to use; by default all there are. What measures speed, and what is made of it, is made anew."""
    python: dict[str, str] = {}
    """The interpreter of a stage by name, where it is not ryot's own: `{serve: path/to/python}`. Changes no result."""
    device: str | None = None
    """The device trained on: one of the catalogue (a100-80g, h100, ...) or of `catalogue` below; by default this machine's."""
    devices: int | None = Field(None, ge=1)
    """How many devices train together; by default train.ranks."""
    utilisation: Proportion | None = Field(None, gt=0)
    """The share of the devices' peak that all computation of training reaches, recomputation included (HFU; without recomputation that
    is MFU); by default 40 % on accelerators, 60 % on CPUs, then as measured."""
    price: str | None = None
    """The instance trained on, from the price list (p4d.24xlarge, ...) or `prices` below; by default the device's newest price."""
    purchase: Literal["on_demand", "spot", "reserved"] = "on_demand"
    """How it is paid for."""
    serve: ServingHardware = ServingHardware()
    """What the model is served on, where that is not the same."""
    catalogue: dict[_Name, DeviceEntry] = {}
    """Devices by name: new ones, or corrections to the catalogue's."""
    prices: dict[_Name, PriceEntry] = {}
    """Instances by name: new ones, or other prices for those on the list."""
    budget: Budget = Budget()
    """What may be spent."""


class ScaleClaim(Section):
    """`{over: ryot-simple, factor: 8x}`: the model is so many times as large as that preset."""

    over: str
    """The preset it is compared with."""
    factor: Factor
    """How many times its parameters this model has."""

    @field_validator("over")
    @classmethod
    def _preset(cls, over: str) -> str:
        if over not in MODELS:
            raise ValueError(f"unknown preset {over!r}; there are {', '.join(MODELS)}")
        return over


class Claims(Section):
    """Numbers the author believes. `ryot plan` computes each and shows both."""

    params: Count | None = Field(None, ge=0)
    """The number of parameters of the model."""
    scale: ScaleClaim | None = None
    """How much larger than another model."""
    weights: Bytes | None = Field(None, ge=0)
    """The size of the weights in the type they are exported in, of the model as it is described."""
    mamba_share: Proportion | None = None
    """The share of a hybrid's layers that are Mamba."""
    updates: Count | None = Field(None, ge=0)
    """Updates of the weights in training."""
    training_tokens: Count | None = Field(None, ge=0)
    """Tokens trained on."""
    training_time: Duration | None = Field(None, ge=0)
    """The time one training run takes."""
    training_cost: Money | None = None
    """What one training run costs."""
    monthly_cost: Money | None = None
    """What a month of serving costs."""
    first_year_cost: Money | None = None
    """What one training run and twelve months of serving cost."""
    download_time: Duration | None = Field(None, ge=0)
    """The time it takes to download the data."""
    filter_time: Duration | None = Field(None, ge=0)
    """The time the filters take."""
    dedup_time: Duration | None = Field(None, ge=0)
    """The time the near-duplicates take."""
    tokenize_time: Duration | None = Field(None, ge=0)
    """The time tokenising takes."""
    tokens_storage: Bytes | None = Field(None, ge=0)
    """The size of the data as tokens on disk."""
    storage: Bytes | None = Field(None, ge=0)
    """The size of all data on disk: text and tokens."""
