"""The model of a power cut: what was synced is there, and what was not may be lost or torn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.crash.power import WAYS, Disk, write


def steps(*told: str) -> list[dict[str, Any]]:
    """`rename a b` and the like as operations, numbered from 1."""
    parts = [text.split() for text in told]
    return [
        {"n": number, "kind": kind, "path": f"s/{path}", "to": "".join(f"s/{to}" for to in rest)}
        for number, (kind, path, *rest) in enumerate(parts, 1)
    ]


def after(tmp_path: Path, way: str, told: list[dict[str, Any]], now: dict[str, bytes]) -> dict[str, bytes]:
    """What is there after a cut behind the last operation. `now` is what a reader saw; an fsync wrote `new`."""
    for name, data in now.items():
        (tmp_path / "real" / "s" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "real" / "s" / name).write_bytes(data)
    disk = Disk()
    disk.replay(told, len(told) + 1, lambda _: b"new!")
    disk.root.sure = dict(disk.root.now)
    disk.look(tmp_path / "real")
    write(disk.root, tmp_path / way, way)
    return {path.relative_to(tmp_path / way / "s").as_posix(): path.read_bytes() for path in (tmp_path / way).rglob("*") if path.is_file()}


@pytest.mark.parametrize("way", WAYS)
def test_what_was_synced_with_its_name_is_there(tmp_path: Path, way: str) -> None:
    told = steps("open .a", "fsync .a", "rename .a a")
    told.append({"n": 4, "kind": "fsync", "path": "s", "to": ""})
    assert after(tmp_path, way, told, {"a": b"new!"}) == {"a": b"new!"}


def test_name_that_was_not_synced_is_lost(tmp_path: Path) -> None:
    assert after(tmp_path, "lost", steps("open .a", "fsync .a", "rename .a a"), {"a": b"new!"}) == {}


def test_rename_without_a_sync_of_the_bytes_is_torn_or_empty(tmp_path: Path) -> None:
    told = steps("open .a", "rename .a a")
    assert after(tmp_path, "torn", told, {"a": b"new!"}) == {"a": b"ne"}
    assert after(tmp_path, "empty", told, {"a": b"new!"}) == {"a": b""}


def test_lines_added_since_the_last_sync_are_torn(tmp_path: Path) -> None:
    told = steps("open a", "fsync a")
    assert after(tmp_path, "torn", told, {"a": b"new!more"}) == {"a": b"new!mo"}


def test_folder_that_nobody_synced_takes_what_is_in_it_along(tmp_path: Path) -> None:
    told = steps("mkdir d", "open d/a", "fsync d/a", "fsync d")
    assert after(tmp_path, "lost", told, {"d/a": b"new!"}) == {}
    assert after(tmp_path, "torn", told, {"d/a": b"new!"}) == {"d/a": b"new!"}
