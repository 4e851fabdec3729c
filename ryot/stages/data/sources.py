"""Reading local files as a stream of Documents and Broken records. A broken record never ends the stream."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from ryot.plugins import NodeError, digest_path
from ryot.stages.data.records import Broken, Document, text_of
from ryot.stages.data.stage import FileSource
from ryot.stages.data.text import split_text

Record = Document | Broken
SUFFIXES = (".jsonl", ".txt")


def read_files(source: FileSource) -> Iterator[Record]:
    """The records of a local file or folder. Raises NodeError when it is not there, has changed, or holds no such file."""
    root = Path(source.path)
    try:
        digest = digest_path(root)
    except OSError as error:
        raise NodeError(f"cannot read {source.written}: {error.strerror or 'no such file or folder'}") from error
    if digest != source.digest:
        raise NodeError(f"{source.written} changed after the plan was made", hint="start again: it is read under its new digest")
    records = (record for path in _files(root, source.written) for record in _read(path, _label(path, root), source.text_field))
    return first(records, source.max_documents)


def first(records: Iterable[Record], most: int | None) -> Iterator[Record]:
    """The records up to and with the `most`-th document."""
    documents = 0
    for record in records:
        if most is not None and documents >= most:
            return
        documents += isinstance(record, Document)
        yield record


def _files(root: Path, written: str) -> list[Path]:
    found = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file() and path.suffix in SUFFIXES)
    if not found or found[0].suffix not in SUFFIXES:
        raise NodeError(f"{written} is not, and does not hold, a .jsonl or .txt file", hint="other formats: convert them to JSON lines")
    return found


def _label(path: Path, root: Path) -> str:
    return path.name if path == root else path.relative_to(root).as_posix()


def _read(path: Path, label: str, text_field: str | None) -> Iterator[Record]:
    return _read_text(path, label) if path.suffix == ".txt" else _read_json_lines(path, label, text_field)


def _read_json_lines(path: Path, label: str, text_field: str | None) -> Iterator[Record]:
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            try:
                line = _decode(raw, number)
                if line.strip():
                    yield Document(text_of(_parse(line), text_field))
            except ValueError as error:
                yield Broken(label, number, str(error))


def _parse(line: str) -> object:
    try:
        return json.loads(line)
    except RecursionError:
        raise ValueError("bad JSON: nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"bad JSON: {error}") from None


def _read_text(path: Path, label: str) -> Iterator[Record]:
    lines, broken = [], []
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            try:
                lines.append((number, _decode(raw, number).rstrip("\r\n")))
            except ValueError as error:
                broken.append(Broken(label, number, str(error)))
    yield from broken
    for _, text in split_text(lines):
        yield Document(text)


def _decode(raw: bytes, number: int) -> str:
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte 0x{raw[error.start]:02x} in column {error.start + 1}") from None
