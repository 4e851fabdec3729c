"""Local files as documents in every format, and every way in which a record can be broken."""

import gzip
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from ryot.plugins import Document, NodeError, digest_path
from ryot.stages.data.records import Broken
from ryot.stages.data.sources import read_files
from ryot.stages.data.stage import FileSource

SHARED = Path(os.environ.get("RYOT_SHARED_DATA", Path(__file__).parents[3].parent / "shared" / "data"))


def read(path: Path, max_line: int = 1 << 20, **settings: object) -> tuple[list[str], list[str]]:
    """The texts and the broken records of a path."""
    source = FileSource(digest=digest_path(path), written=path.name, path=str(path), **settings)
    records = list(read_files(source, max_line))
    texts = [record.text for record in records if isinstance(record, Document)]
    return texts, [str(record) for record in records if isinstance(record, Broken)]


BROKEN_LINES = {
    "bad JSON": (b"{", "bad JSON"),
    "half a line": (b'{"text": "a', "bad JSON"),
    "nested too deeply": (b"[" * 100_000, "bad JSON"),
    "a number too long": (b'{"text": ' + b"1" * 5000 + b"}", "bad JSON"),
    "Latin-1": (b'{"text": "caf\xe9"}', "not UTF-8: byte 0xe9 in column 14"),
    "UTF-16": ('{"text": "a"}'.encode("utf-16"), "not UTF-8"),
    "a list": (b"[1]", "a JSON object is needed, this is an array"),
    "null": (b"null", "a JSON object is needed, this is null"),
    "no such field": (b'{"content": "a"}', "there is no field 'text'"),
    "null text": (b'{"text": null}', "the field 'text' is null"),
    "a number for text": (b'{"text": 5}', "field 'text' is a number, not a string"),
    "empty text": (b'{"text": ""}', "the text is empty"),
    "blank text": (b'{"text": " \\n\\t"}', "the text is empty"),
    "half a surrogate pair": (b'{"text": "\\ud800"}', "half of a surrogate pair"),
}


@pytest.mark.parametrize(("line", "why"), BROKEN_LINES.values(), ids=BROKEN_LINES.keys())
def test_broken_line_is_named_and_its_neighbours_are_read(tmp_path: Path, line: bytes, why: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"text": "before"}\n' + line + b'\n{"text": "after"}\n')
    texts, broken = read(file)
    assert texts == ["before", "after"]
    assert len(broken) == 1
    assert broken[0].startswith("a.jsonl:2: ")
    assert why in broken[0]


UTF16 = {
    name: mark + '{"text": "a"}\n{"text": "b"}\n'.encode(name) for name, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"))
}


@pytest.mark.parametrize("content", UTF16.values(), ids=UTF16.keys())
@pytest.mark.parametrize("name", ["a.jsonl", "a.txt"])
def test_utf_16_is_named_as_such_by_its_byte_order_mark(tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    texts, broken = read(file)
    assert texts == []
    assert broken[0] == f"{name}:1: the file is UTF-16, by its byte order mark; UTF-8 is needed"


@pytest.mark.parametrize("line", [b"x" * 5000, b'{"text": "' + b"x" * 5000 + b'"}'])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_line_that_is_too_long_is_broken_and_the_next_is_read(tmp_path: Path, line: bytes, end: bytes) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"text": "before"}\n' + line + end + (b'{"text": "after"}\n' if end else b""))
    texts, broken = read(file, max_line=2000)
    assert texts == ["before", "after"][: 2 if end else 1]
    assert broken == ["a.jsonl:2: longer than 2,000 bytes, which is data.max_line"]


PACKERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}


@pytest.mark.parametrize("packed", PACKERS)
@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json"])
def test_packed_lines_are_read(tmp_path: Path, name: str, packed: str) -> None:
    file = tmp_path / (name + packed)
    lines = b"".join(b'{"text": "line %d"}\n' % number for number in range(1000))
    # Two archives in one file are one content, as `cat` and parallel packers make them.
    file.write_bytes(PACKERS[packed](lines[:5000]) + PACKERS[packed](lines[5000:]))
    assert read(file) == ([f"line {number}" for number in range(1000)], [])


@pytest.mark.parametrize("packed", PACKERS)
def test_packed_text_is_read(tmp_path: Path, packed: str) -> None:
    file = tmp_path / ("a.txt" + packed)
    file.write_bytes(PACKERS[packed](b"one\ntwo\n\nthree"))
    assert read(file) == (["one\ntwo", "three"], [])


@pytest.mark.parametrize("packed", PACKERS)
@pytest.mark.parametrize("kept", [0.3, 0.999])
def test_a_truncated_archive_is_one_broken_record_after_what_it_holds(tmp_path: Path, packed: str, kept: float) -> None:
    file = tmp_path / ("a.jsonl" + packed)
    noise = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(40_000)]
    whole = PACKERS[packed]("".join(f'{{"text": "{text}"}}\n' for text in noise).encode())
    file.write_bytes(whole[: int(len(whole) * kept)])
    texts, broken = read(file)
    assert len(texts) > len(noise) * kept * 0.85
    assert texts == noise[: len(texts)]
    assert len(broken) == 1
    assert broken[0].startswith(f"{file.name}:{len(texts) + 1}: the archive is truncated or damaged: ")


@pytest.mark.parametrize("packed", PACKERS)
def test_what_is_no_archive_is_one_broken_record(tmp_path: Path, packed: str) -> None:
    file = tmp_path / ("a.jsonl" + packed)
    file.write_bytes(b'{"text": "not packed"}\n')
    texts, broken = read(file)
    assert (texts, len(broken)) == ([], 1)
    assert broken[0].startswith(f"{file.name}:1: the archive is truncated or damaged: ")


@pytest.mark.parametrize("name", ["a.jsonl", "a.txt", "a.jsonl.gz", "a.jsonl.zst"])
def test_an_empty_file_has_no_records(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    assert read(tmp_path / name) == ([], [])


def test_blank_lines_a_byte_order_mark_and_windows_line_ends_are_no_errors(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"text": "one"}\r\n\r\n{"text": "two\xe2\x80\xa8lines"}')
    assert read(file) == (["one", "two\u2028lines"], [])


def test_field_and_template_choose_the_text(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps({"question": "1+1?", "answer": "{2}"}) + "\n")
    assert read(file, text_field="question") == (["1+1?"], [])
    assert read(file, text_field="Q: {question}\\nA: {answer}") == (["Q: 1+1?\nA: {2}"], [])
    told = "a.jsonl:1: there is no field 'other'; there are: question, answer; name the one to read as the source's text_field"
    assert read(file, text_field="{question} {other}") == ([], [told])


def test_broken_line_of_a_text_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"one\n\ncaf\xe9\n\ntwo\n")
    assert read(file) == (["one", "two"], ["a.txt:3: not UTF-8: byte 0xe9 in column 4"])


def test_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.txt").write_text("second\n")
    (tmp_path / "a.jsonl").write_text('{"text": "first"}\n{\n')
    (tmp_path / "notes.md").write_text("not read")
    assert read(tmp_path)[0] == ["first", "second"]
    assert read(tmp_path)[1][0].startswith("a.jsonl:2: ")


def test_max_documents_ends_the_reading(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("a\n\nb\n\nc\n")
    assert read(file, max_documents=2) == (["a", "b"], [])


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a"])
def test_other_formats_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(NodeError, match=r"\.jsonl, \.parquet or \.txt"):
        read(tmp_path / name)


def test_folder_without_documents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match=r"\.jsonl, \.parquet or \.txt"):
        read(tmp_path)


def test_file_that_is_gone_is_refused() -> None:
    with pytest.raises(NodeError, match=r"cannot read a\.txt"):
        list(read_files(FileSource(digest="0", written="a.txt", path="/nowhere/a.txt")))


def test_file_that_changed_after_the_plan_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one")
    source = FileSource(digest=digest_path(file), written="a.txt", path=str(file))
    file.write_text("two")
    with pytest.raises(NodeError, match="changed after the plan"):
        list(read_files(source))


def test_wikitext_is_read_by_paragraphs() -> None:
    path = SHARED / "wikitext2-valid.txt"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    texts, broken = read(path)
    assert broken == []
    assert len(texts) == 1841
    assert texts[0].startswith("= Homarus gammarus =\nHomarus gammarus , known as")
    # Nothing is lost but two headings of four words and their signs, which have no paragraph.
    assert sum(len(text.split()) for text in texts) == len(path.read_text(encoding="utf-8").split()) - 16


def test_gsm8k_is_read_by_a_template() -> None:
    path = SHARED / "gsm8k-test.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    texts, broken = read(path, text_field="Q: {question}\\nA: {answer}")
    assert (len(texts), broken) == (1319, [])
    assert "\nA: " in texts[0]
