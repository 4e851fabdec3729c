"""What the specs in specs/ compile to, key by key. A difference here means that finished work of users would run again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.golden.update import HERE, cases, golden, path_of

HOW = "if the change is meant, run `python tests/golden/update.py` and say in the commit why these nodes run again"


@pytest.mark.parametrize(("spec", "profile"), cases(), ids=lambda value: value.stem if isinstance(value, Path) else value)
def test_plan_is_the_golden_one(spec: Path, profile: str) -> None:
    path = path_of(spec, profile)
    assert path.exists(), f"{path.name} is missing: {HOW}"
    old, new = json.loads(path.read_text()), golden(spec, profile)
    changed = [node["name"] for node in new["nodes"] if node not in old["nodes"]]
    gone = [node["name"] for node in old["nodes"] if node["name"] not in {other["name"] for other in new["nodes"]}]
    assert (changed, gone) == ([], []), HOW
    assert new == old, HOW


def test_no_golden_plan_is_left_of_a_spec_that_is_gone() -> None:
    assert {path.name for path in HERE.glob("*.json")} == {path_of(spec, profile).name for spec, profile in cases()}
