"""What is read at a time: parts of files by size, in an order that the sources alone decide."""

from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from ryot.plugins import digest_path
from ryot.plugins.testing import context_in
from ryot.stages.data.stage import Config, DataStage, FileSource
from ryot.stages.data.units import Unit, units_of


def units(folder: Path, path: Path, **settings: object) -> list[Unit]:
    source = FileSource(digest=digest_path(path), written="in", path=str(path), **settings)
    return units_of(Config(sources=(source,), shard_bytes=1000), context_in(folder, DataStage(), []), {})


def parts(found: list[Unit]) -> list[tuple[str, int, int | None]]:
    return [(piece.label, piece.start, piece.end) for unit in found for piece in unit.pieces]


def test_lines_are_cut_and_archives_and_text_are_not(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("b.jsonl", "c.jsonl.gz", "d.txt", "e.ndjson", "f.md"):
        (tmp_path / "in" / name).write_bytes(b"x" * 2500)
    (tmp_path / "in" / "a.jsonl").write_bytes(b"")
    found = units(tmp_path, tmp_path / "in")
    cut = [(0, 1000), (1000, 2000), (2000, 2500)]
    assert parts(found) == [
        ("a.jsonl", 0, None),
        *(("b.jsonl", *part) for part in cut),
        ("c.jsonl.gz", 0, None),
        ("d.txt", 0, None),
        *(("e.ndjson", *part) for part in cut),
    ]
    assert [unit.name for unit in found] == [f"00-{number:05d}" for number in range(9)]
    assert sum(unit.size for unit in found) == 10_000


def test_a_source_with_max_documents_is_one_unit(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"x" * 2500)
    (unit,) = units(tmp_path, tmp_path / "a.jsonl", max_documents=5)
    assert parts([unit]) == [("a.jsonl", 0, None)]


@pytest.mark.parametrize(("rows", "groups"), [(4, 1), (40, 4)])
def test_row_groups_go_together_up_to_the_size(tmp_path: Path, rows: int, groups: int) -> None:
    table = pa.table({"text": ["x" * 100] * rows})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=2, compression="none", use_dictionary=False)
    found = units(tmp_path, tmp_path / "a.parquet")
    borders = [(start, end) for _, start, end in parts(found)]
    assert borders[0][0] == 0
    assert borders[-1][1] == rows // 2
    assert all(one[1] == other[0] for one, other in pairwise(borders))
    assert all(unit.size <= 1000 for unit in found)
    assert len(found) >= groups


def test_a_unit_is_the_same_after_its_way_to_a_worker(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"x" * 2500)
    for unit in units(tmp_path, tmp_path / "a.jsonl"):
        assert Unit.of(unit.item().fields) == unit
