"""Lines in parts: parts that cover a file have every line once, wherever they are cut."""

from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ryot.stages.data.lines import Line, read_lines

CONTENTS = st.lists(st.sampled_from([b"", b"a", b"bcd", "é€".encode(), b"\xff", b"x" * 40, b"y" * 10]), max_size=12)


def joined(path: Path, borders: list[int], most: int) -> list[Line]:
    """The lines of all parts between the borders, numbered through."""
    found: list[Line] = []
    for start, end in zip([0, *borders], [*borders, path.stat().st_size], strict=True):
        before = len(found)
        found += [line._replace(number=before + line.number) for line in read_lines(path, most, start, end)]
    return found


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=CONTENTS, end=st.sampled_from([b"", b"\n"]), data=st.data())
def test_parts_cut_anywhere_have_the_lines_of_the_whole(tmp_path: Path, lines: list[bytes], end: bytes, data: st.DataObject) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(lines) + end)
    size = path.stat().st_size
    borders = sorted(data.draw(st.lists(st.integers(0, size), max_size=6)))
    whole = list(read_lines(path, 20))
    assert joined(path, borders, 20) == whole
    assert len(whole) == len((b"\n".join(lines) + end).split(b"\n")) - (path.read_bytes().endswith(b"\n") or size == 0)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_parts_of_one_size_have_the_lines_of_the_whole(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbffirst\r\n\n" + b"z" * 50 + b"\nlast")
    whole = path.stat().st_size
    assert [line.text for line in read_lines(path, 100)] == ["first", "", "z" * 50, "last"]
    assert joined(path, list(range(size, whole, size)), 100) == list(read_lines(path, 100))


def test_a_zstd_file_of_a_long_window_and_with_frames_to_skip_is_read(tmp_path: Path) -> None:
    content = b"".join(b"line %d\n" % number for number in range(1000))
    packer = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)).compressobj()
    skipped = (0x184D2A50).to_bytes(4, "little") + (5).to_bytes(4, "little") + b"other"
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(skipped + packer.compress(content) + packer.flush() + skipped + zstandard.ZstdCompressor().compress(b"last"))
    found = list(read_lines(path, 100))
    assert [line.text for line in found] == [*(f"line {number}" for number in range(1000)), "last"]
    assert [line.why for line in found] == [None] * 1001


def test_a_line_of_just_the_most_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"12345\n123456\n12345")
    assert [line.why is None for line in read_lines(path, 5)] == [True, False, True]
