"""What a run and a month cost in US dollars, from dated prices. None wherever there is no price: a machine of one's own."""

from dataclasses import dataclass

from ryot.estimate.platform import Platform

HOUR_S = 3600.0
MONTHS = 12


@dataclass(frozen=True, slots=True)
class FirstYear:
    """US dollars: one training run, a month of serving, and the first year of both; None where a price is not known."""

    training: float | None
    month: float | None

    @property
    def total(self) -> float | None:
        """One training run and twelve months of serving."""
        return None if self.training is None or self.month is None else self.training + MONTHS * self.month


def training_cost(platform: Platform, seconds: float) -> float | None:
    """hours x instances x price of an hour. Instances = devices / devices of an instance, rounded up: a node's price is paid once,
    not once for each of its devices. Raises SpecError when it is not sold as the spec wants to pay."""
    return None if platform.hourly is None else seconds / HOUR_S * platform.hourly


def month_cost(platform: Platform, hours: float = 730.0) -> float | None:
    """hours of a month x instances x price of an hour. A reserved instance is paid for every hour of the month, used or not."""
    if platform.hourly is None:
        return None
    return (730.0 if platform.purchase == "reserved" else hours) * platform.hourly


def cost_per_million(platform: Platform, tokens_per_s: float) -> float | None:
    """US dollars for a million generated tokens at a throughput, the instances fully used: price of an hour / 3600 / tokens/s x 1e6."""
    return None if platform.hourly is None else platform.hourly / HOUR_S / tokens_per_s * 1e6
