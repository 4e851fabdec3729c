"""The lines of a file, plain, gzip or zstd: numbered, decoded, and never longer in memory than allowed.

A part of a plain file has the lines that begin in it, so parts that cover a file have every line once.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import zstandard

_BUFFER = 1 << 20
_PACKED = 1 << 13  # of a zstd stream at once: what comes out of it is at most some 16,000 times as much, and 4 times as a rule
_BYTE_ORDER_MARKS = {b"\xff\xfe\x00\x00": "UTF-32", b"\x00\x00\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError)


class Line(NamedTuple):
    """A line without its end; `why` says what is wrong with it, where it could not be read; `damaged` that the whole archive is."""

    number: int
    text: str
    why: str | None = None
    damaged: bool = False


def read_lines(path: Path, most: int, start: int = 0, end: int | None = None) -> Iterator[Line]:
    """The lines that begin at a byte in [start, end), numbered from 1; one of more than `most` bytes is passed over as broken.

    An archive that ends too early, or is damaged, gives one broken line where that shows, after all that came before; which may be
    wrong too: a checksum stands behind what it covers.
    """
    number = 0
    with _open(path) as file:
        try:
            other = _other_encoding(file.peek(4))
            position = _begin(file, start, end)
            while (end is None or position < end) and (raw := file.readline(most + 1)):
                number += 1
                position += len(raw)
                if len(raw) > most and not raw.endswith(b"\n"):
                    position = _skip_line(file, position, end)
                    yield Line(number, "", f"longer than {most:,} bytes, which is data.max_line")
                else:
                    yield Line(number, "", other) if other else _decoded(raw, number, first=number == 1 and start == 0)
        except _DAMAGE as error:
            yield Line(number + 1, "", f"the archive is truncated or damaged: {error}", damaged=True)


def _open(path: Path) -> Any:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rb")
    if path.suffix.lower() == ".zst":
        return io.BufferedReader(_Zstd(path), _BUFFER)
    return path.open("rb", buffering=_BUFFER)


def _other_encoding(head: bytes) -> str | None:
    name = next((name for mark, name in _BYTE_ORDER_MARKS.items() if head.startswith(mark)), None)
    return name and f"the file is {name}, by its byte order mark; UTF-8 is needed"


def _begin(file: BinaryIO, start: int, end: int | None) -> int:
    """Go to the first line that begins at `start` or later. Returns its position, or one past `end` where none begins before it."""
    if start == 0:
        return 0
    file.seek(start - 1)
    return _skip_line(file, start - 1, end)


def _skip_line(file: BinaryIO, position: int, end: int | None) -> int:
    """Go on to the end of the line, or past `end`, from where on the lines are not ours. Returns the position."""
    while (end is None or position < end) and (raw := file.readline(_BUFFER)):
        position += len(raw)
        if raw.endswith(b"\n"):
            break
    return position


def _decoded(raw: bytes, number: int, *, first: bool) -> Line:
    try:
        return Line(number, raw.decode("utf-8-sig" if first else "utf-8").rstrip("\r\n"))
    except UnicodeDecodeError as error:
        return Line(number, "", f"not UTF-8: byte 0x{raw[error.start]:02x} in column {error.start + 1}")


def _frame() -> Any:
    # Archives packed with `--long=31` are about: their frames ask for up to 2 GiB to unpack, others for a few MiB.
    return zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()


class _Zstd(io.RawIOBase):
    """The content of a zstd file of any number of frames. zstandard's own reader takes a truncated file for a whole one."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._frame = _frame()
        self._begun = False
        self._packed, self._ready = b"", memoryview(b"")

    def readable(self) -> bool:
        """It can be read."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer, or a part of it. Raises EOFError when the file ends within a frame, ZstdError when it is damaged."""
        while not self._ready:
            self._packed = self._packed or self._file.read(_PACKED)
            if not self._packed:
                if self._begun:
                    raise EOFError("the file ends too early")
                return 0
            self._ready = memoryview(self._unpack())
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count

    def _unpack(self) -> bytes:
        self._begun = True
        unpacked: bytes = self._frame.decompress(self._packed)
        self._packed = self._frame.unused_data if self._frame.eof else b""
        if self._frame.eof:
            self._frame, self._begun = _frame(), False
        return unpacked
