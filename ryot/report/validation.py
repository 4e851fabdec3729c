"""The checklist before a deployment, as rows: what the validation stage left."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ryot.units import show

_SIGNS = {"passed": "✓", "failed": "✗", "not_shown": "?"}
_VERDICTS = {"passed": "PASS", "failed": "FAIL", "not_shown": "INCONCLUSIVE"}
_MOST = 5


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item: its status, the verdict whose colour it has, its area, what it asks for, how it was shown or why not, and some numbers."""

    status: str
    verdict: str
    area: str
    asks: str
    told: str
    numbers: str


Found = Mapping[str, Any]
"""What the validation stage leaves in deployment_validation_report.json."""


def rows_of_validation(found: Found) -> list[ItemRow]:
    """Every item of the list, in its order."""
    return [_row(item) for item in found["items"]]


def tally(found: Found) -> str:
    """How many items have each status."""
    counts = found["counts"]
    return f"{counts['passed']} passed, {counts['failed']} failed, {counts['not_shown']} not shown, of {len(found['items'])}"


def _row(item: Found) -> ItemRow:
    status = item["status"]
    told = item["how"] if status == "passed" else "; ".join(part for part in (item["reason"], item["how"]) if part)
    return ItemRow(
        f"{_SIGNS[status]} {status.replace('_', ' ')}",
        _VERDICTS[status],
        item["area"],
        item["asks"],
        told,
        ", ".join(_numbers(item["evidence"])),
    )


def _numbers(evidence: Found) -> Iterator[str]:
    """The plain numbers and words of the evidence, the first few. Names that end in `_s` are seconds, in `_bytes` bytes."""
    simple: Sequence[tuple[str, Any]] = [(name, value) for name, value in evidence.items() if isinstance(value, int | float | str)]
    for name, value in simple[:_MOST]:
        unit = "bytes" if name.endswith("_bytes") else "s" if name.endswith("_s") and not name.endswith("per_s") else ""
        yield f"{name.removesuffix(f'_{unit}').replace('_', ' ')} {value if isinstance(value, str) else show(value, unit)}"
