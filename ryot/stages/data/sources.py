"""Local files as Documents and Broken records. A broken record never ends the reading."""

import json
import os
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ryot.plugins import Document, NodeError
from ryot.stages.data.lines import Line, read_lines
from ryot.stages.data.records import Broken, Record, text_of
from ryot.stages.data.stage import MAX_LINE, FileSource
from ryot.stages.data.text import is_wiki, split_text
from ryot.stages.forms import FORMS, form_of
from ryot.stages.inputs import prove, refuse_changed, state_of

Reading = Generator[Record, None, int]
"""The records of a piece; when it ends it returns how many lines, or rows, it went through."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file that is read in one go: the lines that begin in the bytes [start, end), or the row groups [start, end) of a
    Parquet file; all of it by default. `label` is what the file is called where something is said of it."""

    path: str
    label: str
    start: int = 0
    end: int | None = None

    @property
    def form(self) -> str:
        """How it is read."""
        return form_of(self.path)

    @property
    def is_cut(self) -> bool:
        """Whether the file's lines can be read in parts: they are not packed, and no paragraph block goes over a border."""
        return self.form == ".jsonl"

    @property
    def is_parquet(self) -> bool:
        """Whether it is Parquet."""
        return self.form == ".parquet"


def read_files(source: FileSource, max_line: int = MAX_LINE) -> Iterator[Record]:
    """The records of a local file or folder. Raises NodeError when it is not there, has changed, or holds no such file."""
    before = state_of(Path(source.path))
    yield from first((record for piece in pieces_of(source) for record in read_piece(piece, source, max_line)), source.max_documents)
    refuse_changed(Path(source.path), before, source.written)


def pieces_of(source: FileSource) -> list[Piece]:
    """The files of a source, each whole, in the order of their names. Raises NodeError as `read_files` does."""
    root = Path(source.path)
    prove(root, source.digest, source.written)
    found = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
    pieces = [Piece(str(path), _label(path, root)) for path in found if form_of(path.name)]
    if not pieces:
        hint = f"what is read ends in {', '.join(FORMS)}; convert other formats to JSON lines"
        raise NodeError(f"{source.written} is not, and does not hold, a .jsonl, .parquet or .txt file", hint=hint)
    return pieces


def unread(root: Path) -> list[str]:
    """What lies in a folder and is not read, by name: files of other forms, links to folders, links to nothing, pipes."""
    entries = sorted(root.rglob("*")) if root.is_dir() else []
    folders = {path for path in entries if path.is_dir() and not path.is_symlink()}
    return [_label(path, root) for path in entries if path not in folders and not (path.is_file() and form_of(path.name))]


def first(records: Iterable[Record], most: int | None) -> Iterator[Record]:
    """The records up to and with the `most`-th document."""
    documents = 0
    for record in records:
        if most is not None and documents >= most:
            return
        documents += isinstance(record, Document)
        yield record


def read_piece(piece: Piece, source: FileSource, max_line: int) -> Reading:
    """The records of a piece. Raises NodeError when the disk cannot be read."""
    path = Path(piece.path)
    try:
        if piece.is_parquet:
            reading: Reading = import_module("ryot.stages.data.parquet").read_rows(piece, source.text_field, max_line)
            return (yield from reading)
        if piece.form.startswith(".txt"):
            return (yield from _read_text(path, piece.label, max_line))
        return (yield from _read_json_lines(piece, source.text_field, max_line))
    except OSError as error:
        raise NodeError(f"cannot read {piece.label}: {error.strerror or error}") from error


def _label(path: Path, root: Path) -> str:
    """A name that can be printed and kept as UTF-8, which a file's name need not be."""
    name = path.name if path == root else path.relative_to(root).as_posix()
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _read_json_lines(piece: Piece, text_field: str | None, max_line: int) -> Reading:
    number = 0
    for line in read_lines(Path(piece.path), max_line, piece.start, piece.end):
        number = line.number
        if line.why is None and not line.text.strip():
            continue
        try:
            yield Document.of(text_of(_parse(line), text_field))
        except ValueError as error:
            yield Broken(piece.label, number, str(error), damage=line.damaged)
    return number


def _parse(line: Line) -> object:
    if line.why is not None:
        raise ValueError(line.why)
    try:
        return json.loads(line.text)
    except RecursionError:
        raise ValueError("bad JSON: nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"bad JSON: {error}") from None


def _read_text(path: Path, label: str, max_line: int) -> Reading:
    """Goes through the file twice: whether it is WikiText shows in all of its lines."""
    number, wiki = 0, is_wiki(line.text for line in read_lines(path, max_line))
    for line in split_text(read_lines(path, max_line), wiki=wiki, most=max_line):
        number = line.number
        yield Document.of(line.text) if line.why is None else Broken(label, number, line.why, damage=line.damaged)
    return number
