"""Exact copies by their ids: the first stays, whatever file it is in."""

from pathlib import Path

import numpy as np

from ryot.plugins import Shard
from ryot.stages.data.copies import find_copies, write_places


def test_copies_are_found_as_by_a_plain_loop(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    parts = [draw.integers(0, 50, size).astype("<u8") * 2**58 for size in (40, 0, 1, 60, 30)]
    files = [tmp_path / str(number) for number in range(len(parts))]
    for file, part in zip(files, parts, strict=True):
        part.tofile(file)
    seen: set[int] = set()
    wanted = {}
    for number, part in enumerate(parts):
        copies = [place for place, found in enumerate(part.tolist()) if found in seen or seen.add(found)]  # type: ignore[func-returns-value]
        wanted |= {number: copies} if copies else {}
    assert {number: places.tolist() for number, places in find_copies(files)} == wanted


def test_no_copies_is_nothing_to_write(tmp_path: Path) -> None:
    np.arange(10, dtype="<u8").tofile(tmp_path / "ids")
    assert list(find_copies([tmp_path / "ids"])) == []


def test_places_are_written_for_the_shards_that_hold_them(tmp_path: Path) -> None:
    shards = [Shard("a", "train", 0, 3), Shard("b", "heldout", 0, 2), Shard("c", "train", 0, 4)]
    assert write_places(tmp_path, shards, np.array([1, 2, 5, 8])) == [shards[0], shards[2]]
    assert np.fromfile(tmp_path / "a.copies", "<i8").tolist() == [1, 2]
    assert np.fromfile(tmp_path / "c.copies", "<i8").tolist() == [0, 3]
    assert not (tmp_path / "b.copies").exists()
