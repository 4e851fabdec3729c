"""Two results of `ryot check --json`, side by side: which measures differ by more than their intervals. Standard library only.

    python compare.py FIRST.json SECOND.json

low .. high are ryot's bounds at 95 % on either side of the value, so the interval between them holds at 90 %. Two intervals that
do not overlap show a difference. Two that do overlap show none, which is not the same as showing that there is none.
"""

import json
import sys
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def main(first: str, second: str) -> None:
    """Print one line for each measure of either file."""
    one, two = (measures(Path(name)) for name in (first, second))
    lines = [("measure", "unit", Path(first).stem, Path(second).stem, "")]
    lines += [line(name, one.get(name), two.get(name)) for name in sorted(one | two)]
    widths = [max(len(cells[column]) for cells in lines) for column in range(4)]
    for *cells, last in lines:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)), last]).rstrip())


def measures(path: Path) -> dict[str, Row]:
    """The measures in a file, by name."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"{path} cannot be read: {error}") from None
    if report["schema"] != 1:
        raise SystemExit(f"{path}: schema {report['schema']}; this script reads schema 1")
    return {row["measure"]: row for row in report["measures"]}


def line(name: str, one: Row | None, two: Row | None) -> tuple[str, str, str, str, str]:
    """The cells of one measure, and what they amount to."""
    return name, str((one or two or {})["unit"]), shown(one), shown(two), judged(one, two)


def shown(row: Row | None) -> str:
    """`5.91 [5.87 .. 5.96]`; without brackets where a measure is one number."""
    if row is None or row["value"] is None:
        return "-"
    if exact(row):
        return number(row["value"])
    low, high = ("?" if row[bound] is None else number(row[bound]) for bound in ("low", "high"))
    return f"{number(row['value'])} [{low} .. {high}]"


def number(value: float) -> str:
    """Four significant digits, all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def judged(one: Row | None, two: Row | None) -> str:
    """What the two show, in words."""
    if one is None or two is None or one["value"] is None or two["value"] is None:
        return "not in both: nothing to compare"
    unit = str(one["unit"])
    if unit == "s" or unit.endswith("/s"):
        return "a speed: two runs at two times do not compare it"
    if all(one[field] == two[field] for field in ("value", "low", "high", "n")):
        return "same"
    if exact(one) and exact(two):
        return "differs; one number each, so nothing says by how much it would vary"
    bounds = [row[bound] for row in (one, two) for bound in ("low", "high")]
    if None in bounds:
        return "too few samples for an interval: no difference shown"
    if one["low"] > two["high"]:
        return "second is lower: the intervals do not overlap"
    if two["low"] > one["high"]:
        return "second is higher: the intervals do not overlap"
    return "overlap: no difference shown"


def exact(row: Row) -> bool:
    """Whether a measure is one number rather than an estimate from samples."""
    return bool(row["low"] == row["high"] == row["value"])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
