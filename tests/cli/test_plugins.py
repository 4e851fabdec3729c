"""`ryot plugins list` and what it rests on: metadata is read, nothing is imported, and what cannot be read is named."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ryot.cli.main import run
from ryot.plugins.discover import BACKENDS, STAGES, discover, load

TOYS = Path(__file__).parent.parent / "plugins" / "toy"


def listed(capsys: pytest.CaptureFixture[str], *folders: Path) -> list[dict[str, Any]]:
    assert run(["plugins", "list", "--json", *(part for folder in folders for part in ("--plugins", str(folder)))]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_built_in_stages_and_backends_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    found = {(item["kind"], item["name"]) for item in listed(capsys) if item["origin"] == "ryot"}
    assert {("stage", name) for name in ("data", "tokenizer", "train", "compare", "export", "serve", "evaluate", "bench")} <= found
    assert ("backend", "local") in found


def test_listing_imports_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "loud"\nversion = "2"\n[project.entry-points."ryot.stages"]\nloud = "loud_module:Loud"\n'
    )
    (tmp_path / "loud_module.py").write_text("raise SystemExit('imported')")
    found = [item for item in listed(capsys, tmp_path) if item["name"] == "loud"]
    assert [(item["origin"], item["version"], item["value"], item["folder"]) for item in found] == [
        ("loud", "2", "loud_module:Loud", str(tmp_path))
    ]
    assert "loud_module" not in sys.modules


@pytest.mark.parametrize("text", [
    "[[[", "\xff", '[project]\nentry-points = 5\n', '[project]\nname = "x"\nentry-points = {"ryot.stages" = 3}\n', "project = 1\n",
    '[project]\n[project.entry-points]\n"ryot.stages" = ["a"]\n',
])  # fmt: skip
def test_broken_metadata_is_named_and_hides_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "pyproject.toml").write_bytes(text.encode("latin-1"))
    found = listed(capsys, tmp_path, TOYS)
    broken = [item for item in found if item["broken"]]
    assert broken
    assert all(str(tmp_path / "bad" / "pyproject.toml") in item["broken"] for item in broken)
    assert {"count", "chat", "ask", "stray"} <= {item["name"] for item in found}
    assert run(["plugins", "list", "--plugins", str(tmp_path)]) == 0
    assert "BROKEN" in capsys.readouterr().out


def test_folder_without_plugins_and_projects_without_stages_add_nothing(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "pyproject.toml").write_text('[project]\nname = "other"\n')
    assert discover(STAGES, [tmp_path]) == discover(STAGES)


def test_folder_named_twice_is_listed_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert [item["name"] for item in listed(capsys, TOYS, TOYS)].count("count") == 1


def test_folder_that_is_not_there_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugins", "list", "--plugins", "no-such-folder"]) == 2


@pytest.mark.parametrize("group", [STAGES, BACKENDS])
def test_everything_ryot_offers_loads(group: str) -> None:
    offered = [plugin for plugin in discover(group) if plugin.builtin]
    assert offered
    assert all(load(plugin) for plugin in offered)
