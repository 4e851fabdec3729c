"""The compare stage's report as rows to show: what both sides state side by side, then what is said of the pair."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ryot.units import show

_DIGEST = re.compile(r"[0-9a-f]{40,}")


@dataclass(frozen=True, slots=True)
class Comparison:
    """`sides`: (what, baseline, optimized). `findings`: (what, value)."""

    sides: tuple[tuple[str, str, str], ...]
    findings: tuple[tuple[str, str], ...]


def rows_of(comparison: Mapping[str, object]) -> Comparison:
    """The scalars of `baseline`, `optimized` and `comparison`, and its advice; other lists and deeper maps stay in the JSON."""
    baseline, optimized = _map(comparison.get("baseline")), _map(comparison.get("optimized"))
    names = [name for name in {**baseline, **optimized} if _scalar(baseline.get(name)) and _scalar(optimized.get(name))]
    findings = {name: value for name, value in comparison.items() if _scalar(value)} | _map(comparison.get("comparison"))
    advice = _map(comparison.get("comparison")).get("advice")
    told = [("advice", str(line)) for line in advice] if isinstance(advice, list) else []
    return Comparison(
        sides=tuple((_words(name), _say(baseline.get(name), name), _say(optimized.get(name), name)) for name in names),
        findings=(*((_words(name), _say(value, name)) for name, value in findings.items() if _scalar(value)), *told),
    )


def _map(value: object) -> dict[str, object]:
    return {str(key): item for key, item in value.items()} if isinstance(value, Mapping) else {}


def _scalar(value: object) -> bool:
    return value is None or isinstance(value, str | bool | int | float)


def _words(name: str) -> str:
    return name.replace("_", " ")


_UNITS = {
    "total_time": "s", "avg_epoch_time": "s", "memory": "bytes", "throughput": "tokens/s", "baseline_seconds_to_it": "s",
    "optimized_seconds_to_it": "s",
}  # fmt: skip


def _say(value: object, name: str) -> str:
    if name in _UNITS and isinstance(value, int | float) and not isinstance(value, bool):
        return show(value, _UNITS[name])
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    text = str(value)
    return f"{text[:12]}..." if _DIGEST.fullmatch(text) else text
