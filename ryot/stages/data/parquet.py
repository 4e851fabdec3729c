"""Parquet files, row group by row group. Its own module, because pyarrow is slow to import and seldom needed."""

import os
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from ryot.plugins import Document, NodeError
from ryot.stages.data.records import Broken, fields_of, text_of
from ryot.stages.data.sources import Piece, Reading

_ROWS = 64  # at once: rows can be whole books


def row_groups(path: str) -> list[int]:
    """The bytes of each row group, unpacked; none where the file cannot be read."""
    try:
        with opened(path) as file:
            return [file.metadata.row_group(group).total_byte_size for group in range(file.num_row_groups)]
    except (pa.ArrowException, OSError):
        return []


def read_rows(piece: Piece, text_field: str | None, max_line: int) -> Reading:
    """The rows of a piece, numbered from 1 in the file. A damaged row group is one Broken record that counts all it lost."""
    try:
        file = opened(piece.path)
    except (pa.ArrowException, OSError) as error:
        _refuse_disk(error)
        yield Broken(piece.label, 1, f"the Parquet file is damaged: {_said(error)}", damage=True)
        return 1
    before = 0
    with file:
        last = file.num_row_groups if piece.end is None else piece.end
        before = int(sum(file.metadata.row_group(group).num_rows for group in range(piece.start)))
        for group in range(piece.start, last):
            rows, read = file.metadata.row_group(group).num_rows, 0
            try:
                for record in _rows(file, group, text_field, max_line):
                    yield Document.of(record) if isinstance(record, str) else Broken(piece.label, before + read + 1, str(record))
                    read += 1
            except (pa.ArrowException, OSError) as error:
                _refuse_disk(error)
                why = f"the row group is damaged, {rows - read} rows are lost: {_said(error)}"
                yield Broken(piece.label, before + read + 1, why, max(rows - read, 1), damage=True)
            before += rows
    return before


def whole_rows(path: str, label: str) -> Iterator[dict[str, Any]]:
    """Every row with all its columns. Raises NodeError for a file that cannot be read to its end."""
    try:
        with opened(path) as file:
            for batch in file.iter_batches(batch_size=_ROWS):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise NodeError(f"{label} cannot be read: {_said(error)}", hint="what a model is evaluated on has to be whole") from None


def opened(path: str) -> Any:
    """The file, with the checksums of its pages, where it has them, compared. Its name need not be UTF-8."""
    return parquet.ParquetFile(pa.OSFile(os.fsencode(path)), page_checksum_verification=True)


def _rows(file: Any, group: int, text_field: str | None, max_line: int) -> Iterator[str | ValueError]:
    for batch in file.iter_batches(batch_size=_ROWS, row_groups=[group], columns=fields_of(text_field)):
        for row in range(batch.num_rows):
            try:
                yield _text(batch, row, text_field, max_line)
            except ValueError as error:
                yield error


def _text(batch: Any, row: int, text_field: str | None, max_line: int) -> str:
    try:
        fields = {name: batch.column(name)[row].as_py() for name in batch.schema.names}
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte 0x{error.object[error.start]:02x} at {error.start + 1}") from None
    text = text_of(fields, text_field)
    if len(text) > max_line:
        raise ValueError(f"longer than {max_line:,}, which is data.max_line")
    return text


def _refuse_disk(error: Exception) -> None:
    """Let an error of the disk pass: it says nothing of the file."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
