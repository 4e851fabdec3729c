"""docs/failure-modes.md: every fault has a row, a reference and a test, and every test that is named is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TABLE = (ROOT / "docs" / "failure-modes.md").read_text()
FAULTS = 58


def rows() -> list[list[str]]:
    """The cells of every row that has a number."""
    lines = [line for line in TABLE.splitlines() if re.match(r"\| \d", line)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def names_in(path: Path) -> set[str]:
    """The tests of a file that are collected: functions of the module, by their names."""
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_fault_has_a_row_in_order() -> None:
    assert [int(row[0]) for row in rows()] == [*range(1, FAULTS + 1)]


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row[0]} {row[2]}")
def test_a_row_names_a_reference_and_tests_that_are_there(row: list[str]) -> None:
    _, fault, reference, shown, *_ = row
    assert fault
    assert reference
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", shown)
    assert named, "a fault is shown by a test"
    assert shown.count("::") == len(named)
    for path, name in named:
        assert name in names_in(ROOT / path), f"{path} has no {name}"
