"""Parquet files as documents: rows, row groups, and what is damaged."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from ryot.plugins import Document, digest_path
from ryot.stages.data.parquet import row_groups
from ryot.stages.data.records import Broken
from ryot.stages.data.sources import Piece, read_files, read_piece
from ryot.stages.data.stage import FileSource


def table(path: Path, group: int = 10, **columns: list[object]) -> FileSource:
    parquet.write_table(pa.table(columns), path, row_group_size=group, compression="none", use_dictionary=False)
    return FileSource(digest=digest_path(path), written=path.name, path=str(path))


def texts(records: list[Document | Broken]) -> list[str]:
    return [record.text for record in records if isinstance(record, Document)]


def broken(records: list[Document | Broken]) -> list[Broken]:
    return [record for record in records if isinstance(record, Broken)]


def test_rows_are_documents_and_broken_rows_are_named(tmp_path: Path) -> None:
    source = table(tmp_path / "a.parquet", group=2, text=["one", None, " ", "four", "five"], number=[1, 2, 3, 4, 5])
    records = list(read_files(source))
    assert texts(records) == ["one", "four", "five"]
    assert [str(found) for found in broken(records)] == ["a.parquet:2: the field 'text' is null", "a.parquet:3: the text is empty"]


def test_a_template_takes_several_columns(tmp_path: Path) -> None:
    source = table(tmp_path / "a.parquet", question=["1+1?"], answer=["2"], other=[5])
    assert texts(list(read_files(source.model_copy(update={"text_field": "Q: {question}\\nA: {answer}"})))) == ["Q: 1+1?\nA: 2"]


def test_a_column_that_is_not_there_breaks_every_row(tmp_path: Path) -> None:
    found = list(read_files(table(tmp_path / "a.parquet", content=["a", "b"])))
    assert [str(record) for record in found] == [f"a.parquet:{row}: there is no field 'text'" for row in (1, 2)]


def test_a_row_that_is_no_utf_8_is_named(tmp_path: Path) -> None:
    array = pa.array([b"good", b"caf\xe9", b"fine"], pa.binary()).view(pa.string())
    parquet.write_table(pa.table({"text": array}), tmp_path / "a.parquet")
    path = tmp_path / "a.parquet"
    records = list(read_files(FileSource(digest=digest_path(path), written="a.parquet", path=str(path))))
    assert texts(records) == ["good", "fine"]
    assert [str(found) for found in broken(records)] == ["a.parquet:2: not UTF-8: byte 0xe9 at 4"]


def test_a_row_that_is_too_long_is_broken(tmp_path: Path) -> None:
    records = list(read_files(table(tmp_path / "a.parquet", text=["x" * 2000, "short"]), max_line=1024))
    assert (texts(records), len(broken(records))) == (["short"], 1)


def test_row_groups_in_parts_are_the_whole_with_the_same_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    source = table(path, group=3, text=[f"row {row}" if row % 4 else None for row in range(20)])
    assert len(row_groups(str(path))) == 7
    whole = list(read_files(source))
    parts = [Piece(str(path), "a.parquet", start, min(start + 2, 7)) for start in range(0, 7, 2)]
    assert [record for part in parts for record in read_piece(part, source, 1024)] == whole


def test_a_file_without_its_end_is_one_broken_record(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table(path, text=["a"] * 100)
    path.write_bytes(path.read_bytes()[:-50])
    (found,) = read_files(FileSource(digest=digest_path(path), written="a.parquet", path=str(path)))
    assert str(found).startswith("a.parquet:1: the Parquet file is damaged: ")
    assert row_groups(str(path)) == []


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all"])
def test_what_is_no_parquet_is_one_broken_record(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    (found,) = read_files(FileSource(digest=digest_path(path), written="a.parquet", path=str(path)))
    assert str(found).startswith("a.parquet:1: the Parquet file is damaged: ")


def test_a_damaged_row_group_counts_its_rows_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table(path, group=10, text=[f"row {row:04d}" for row in range(30)])
    offset = parquet.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    content = bytearray(path.read_bytes())
    content[offset : offset + 12] = b"\xff" * 12
    path.write_bytes(bytes(content))
    records = list(read_files(FileSource(digest=digest_path(path), written="a.parquet", path=str(path))))
    assert texts(records) == [f"row {row:04d}" for row in (*range(10), *range(20, 30))]
    (found,) = broken(records)
    assert (found.line, found.lost) == (11, 10)
    assert "row group is damaged, 10 rows are lost" in found.why


def test_a_page_whose_checksum_is_another_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    rows = pa.table({"text": [f"row {row} plain words here" for row in range(200)]})
    parquet.write_table(rows, path, compression="none", use_dictionary=False, write_page_checksum=True)
    path.write_bytes(path.read_bytes().replace(b"row 77 plain", b"EVIL CHANGED"))
    records = list(read_files(FileSource(digest=digest_path(path), written="a.parquet", path=str(path))))
    assert texts(records) == []
    assert [(found.lost, found.damage) for found in broken(records)] == [(200, True)]
