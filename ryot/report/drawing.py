"""Drawings as plain geometry in the units of an SVG view box: lines, bars, labels, and the axes that place them. No markup here.

The view box is as narrow as a phone, so text keeps its size there; wide screens set drawings side by side.
"""

import math
from dataclasses import dataclass

WIDTH, HEIGHT = 360, 220
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 14, 34

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A polyline; `kind` is its CSS class."""

    points: tuple[Point, ...]
    kind: str

    @property
    def path(self) -> str:
        """The points as SVG writes them."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle with a tooltip."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A text; `anchor` is start, middle or end."""

    x: float
    y: float
    text: str
    kind: str = "tick"
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with a title, a sentence for those who cannot see it, and a note on how it came about."""

    title: str
    alt: str
    lines: tuple[Line, ...] = ()
    bars: tuple[Bar, ...] = ()
    labels: tuple[Label, ...] = ()
    note: str = ""
    width: float = WIDTH
    height: float = HEIGHT


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values to view-box units, linearly or by logarithm."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value lies; outside values are put on the edge."""
        low, high, value = (math.log(max(v, 1e-12)) for v in (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        share = (value - low) / (high - low) if high > low else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


def round_ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers that embrace low to high."""
    span = (high - low) or abs(high) or 1.0
    step = 10.0 ** math.floor(math.log10(span / 3))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= 4.5)
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    return [round(i * step, 12) for i in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5, 10 ... as many as keep apart; only powers of ten over a wide range."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    spread = high / low
    factors: tuple[float, ...] = (1.0,)
    if spread < 2.2:
        factors = (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)
    elif spread < 6:
        factors = (1, 1.5, 2, 3, 4, 5, 7)
    elif spread < 60:
        factors = (1, 2, 5)
    return [factor * 10.0**exponent for exponent in exponents for factor in factors]
