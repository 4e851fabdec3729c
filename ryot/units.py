"""Values with units, as pydantic types: `50ms`, `80GiB`, `1.3B`, `30%`. Inside ryot they are plain numbers in base units.

Base units: seconds, bytes, US dollars, and 1 for counts and proportions. SI prefixes are decimal (GB), IEC ones binary (GiB).
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo

STORED = "stored"
"""The validation context of values that ryot wrote itself: plain numbers in base units, read back without asking for a unit."""

# How much of the base unit each is, in decimals as people write them: 0.01 is no number of the floats, and 70 x 0.01 is not 0.7 there.
_Units = Mapping[str, Decimal]
_TIME: _Units = {
    "ns": Decimal("1e-9"), "us": Decimal("1e-6"), "µs": Decimal("1e-6"), "ms": Decimal("1e-3"),
    "s": Decimal(1), "min": Decimal(60), "h": Decimal(3600), "d": Decimal(86400),
}  # fmt: skip
_BYTES: _Units = {
    "B": Decimal(1),
    **{f"{p}B": Decimal(1000) ** i for i, p in enumerate("kMGT", 1)},
    **{f"{p}iB": Decimal(1024) ** i for i, p in enumerate("KMGT", 1)},
}
_COUNT: _Units = {"": Decimal(1), "K": Decimal(10**3), "k": Decimal(10**3), "M": Decimal(10**6), "B": Decimal(10**9), "T": Decimal(10**12)}
_RATE: _Units = {f"{unit}/s": size for unit, size in _BYTES.items()}
_FLOPS: _Units = {f"{p}FLOP/s": Decimal(1000) ** i for i, p in enumerate("GTP", 3)}
_MONEY: _Units = {"usd": Decimal(1), "$": Decimal(1)}
_SHARE: _Units = {"": Decimal(1), "%": Decimal("0.01")}
_NUMBER = re.compile(r"\s*([-+]?(?:\d[\d_]*\.?[\d_]*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in base units. `unit` is "s", "bytes", "usd", a rate such as "tokens/s", or "" for a bare number or proportion."""

    value: float
    unit: str


def split_number(text: str) -> tuple[Decimal, str]:
    """`"50 ms"` as `(Decimal(50), "ms")`. Raises ValueError when the text does not start with a number, or with one beyond the floats."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a number with a unit")
    written = match[1].replace("_", "")
    _finite(float(written))
    return Decimal(written), match[2]


def parse_quantity(text: str | float) -> Quantity:
    """Any value a target may be compared with: `50ms`, `25%`, `500MB`, `400 tokens/s`, `10MB/h`, `0.05`. Raises ValueError."""
    if isinstance(text, bool):
        raise ValueError(f"{text} is not a number")
    if isinstance(text, int | float):
        return Quantity(_finite(float(text)), "")
    number, unit = split_number(text)
    for units, base in ((_SHARE, ""), (_TIME, "s"), ({name: size for name, size in _BYTES.items() if name != "B"}, "bytes"), (_COUNT, "")):
        if unit in units:
            return Quantity(_in_base(number, units[unit]), base)
    for units, base in ((_TIME, "s"), (_BYTES, "bytes")):
        if unit.endswith("/h") and unit[:-2] in units:
            return Quantity(_in_base(number, units[unit[:-2]]), f"{base}/h")
    if unit.startswith("$") or unit.lower() == "usd":
        return Quantity(float(number), "usd")
    if re.fullmatch(r"[a-zA-Z]+/s", unit):
        return Quantity(float(number), unit)
    raise ValueError(
        f"unknown unit {unit!r} in {text!r}; known: %, ns, us, ms, s, min, h, d, kB..TB, KiB..TiB, K, M, B, T, usd, NAME/s, MB/h, ms/h"
    )


def _in_base(number: Decimal, unit: Decimal) -> float:
    """The float nearest to the product, so that `35%` and `0.35` are one number, and one in the keys."""
    return _finite(float(number * unit))


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    return value


def _of(units: _Units, example: str):  # type: ignore[no-untyped-def]
    def parse(value: object, info: ValidationInfo) -> object:
        if info.context == STORED:
            return value
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError(f"write a number with its unit, for example {example}")
        if isinstance(value, int | float):
            if value == 0 or "" in units:
                return value
            raise ValueError(f"{value} has no unit; write for example {example}")
        number, unit = split_number(value)
        if unit not in units:
            raise ValueError(f"unknown unit {unit!r}; write for example {example}")
        return _in_base(number, units[unit])

    return BeforeValidator(parse, json_schema_input_type=str | float)


def _unit(name: str, example: str) -> object:
    return Field(json_schema_extra={"unit": name, "examples": [example]})


def _whole(value: object) -> object:
    """`1.1M` is 1,100,000.0000000001 in floats: a count within one part in 1e9 of a whole number is that number."""
    if isinstance(value, float) and math.isfinite(value) and abs(value - round(value)) <= 1e-9 * max(1.0, abs(value)):
        return round(value)
    return value


Duration = Annotated[float, _of(_TIME, "50ms"), _unit("seconds", "50ms")]
Bytes = Annotated[int, BeforeValidator(_whole), _of(_BYTES, "80GiB"), Field(le=10**18), _unit("bytes", "80GiB")]
Count = Annotated[int, BeforeValidator(_whole), _of(_COUNT, "1.3B"), Field(le=10**15), _unit("count", "1.3B")]
Bandwidth = Annotated[float, _of(_RATE, "2TB/s"), Field(gt=0), _unit("bytes/s", "2TB/s")]
ComputeRate = Annotated[float, _of(_FLOPS, "312TFLOP/s"), Field(gt=0), _unit("FLOP/s", "312TFLOP/s")]
Money = Annotated[float, _of(_MONEY, "50usd"), Field(ge=0), _unit("usd", "50usd")]
Factor = Annotated[float, _of({"": Decimal(1), "x": Decimal(1)}, "8x"), Field(gt=0), _unit("factor", "8x")]
Proportion = Annotated[float, _of(_SHARE, "30%"), Field(ge=0, le=1), _unit("proportion", "30%")]


def show_seconds(seconds: float) -> str:
    """A duration for people: `19.2 ms`, `4.1 s`, `3 min 05 s`, `2 h 10 min`, `64.7 days`."""
    if not math.isfinite(seconds):
        return "endless"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.3g} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{seconds / 86400:,.1f} days"
    return f"{hours} h {minutes:02d} min"


def show_bytes(size: float) -> str:
    """A size for people, in binary units: `13.7 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def show_large(value: float, unit: str = "") -> str:
    """A large number for people, in decimal steps: `6.55B tokens`, `15.1 GFLOP`, `400 GB`; FLOP and B take SI's prefixes."""
    prefixes = ("", "k", "M", "G", "T", "P", "E") if unit.startswith(("FLOP", "B")) else ("", "K", "M", "B", "T")
    if not math.isfinite(value):
        return f"endless {unit}".rstrip()
    steps = min(max(int(math.log10(abs(value)) // 3), 0), len(prefixes) - 1) if value else 0
    scaled = value / 1000**steps
    number = f"{scaled:,.3g}" if abs(scaled) < 1000 else f"{scaled:,.0f}"
    gap = " " if unit.startswith(("FLOP", "B")) else prefixes[steps] + " "
    return f"{number}{gap}{prefixes[steps] if gap == ' ' else ''}{unit}".rstrip()


def show(value: float | None, unit: str) -> str:
    """A measure's value with its unit, for people; a dash where there is none."""
    if value is None:
        return "-"
    if unit in ("s/h", "bytes/h"):
        return f"{show(value, unit[:-2])}/h"
    if unit == "s":
        return show_seconds(value) if value >= 0 else f"-{show_seconds(-value)}"
    if unit == "bytes":
        return show_bytes(value)
    if unit == "proportion":
        return f"{value * 100:.2f} %"
    if unit == "usd":
        return f"${value:,.2f}" if abs(value) < 100 else f"${value:,.0f}"
    whole = 1000 <= abs(value) < 1e15 or (float(value).is_integer() and abs(value) < 1e15)
    number = f"{value:,.0f}" if whole else f"{value:.4g}"
    return f"{number} {unit}".rstrip()
