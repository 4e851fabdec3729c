"""Plain text becomes documents at blank lines, WikiText at its paragraphs."""

import pytest

from ryot.stages.data.lines import Line
from ryot.stages.data.text import is_heading, is_wiki, split_text

CASES = {
    "blank lines part documents": ("a\nb\n\n\nc\n", ["a\nb", "c"]),
    "a last line without an end": ("a\n\nb", ["a", "b"]),
    "nothing but blank lines": ("\n \n\t\n", []),
    "white space at the left stays in plain text": ("  a\n    b\n", ["  a\n    b"]),
    "wiki: every line is a paragraph": (" \n = T = \n \n one . \n two . \n", ["= T =\none .", "two ."]),
    "wiki: headings open the paragraph that follows": (" = T = \n \n = = S = = \n \n one . \n", ["= T =\n= = S = =\none ."]),
    "wiki: a heading without a paragraph is no document": (" one . \n = T = \n \n", ["one ."]),
    "wiki: before the first heading": (" one . \n \n = T = \n \n two . \n", ["one .", "= T =\ntwo ."]),
}


def split(lines: list[str], most: int = 1000) -> list[Line]:
    wiki = any(map(is_heading, lines))
    return list(split_text((Line(number, text) for number, text in enumerate(lines, start=1)), wiki=wiki, most=most))


@pytest.mark.parametrize(("text", "documents"), CASES.values(), ids=CASES.keys())
def test_text_is_split(text: str, documents: list[str]) -> None:
    assert [found.text for found in split(text.split("\n"))] == documents


def test_documents_know_their_first_line() -> None:
    assert [found.number for found in split(["", "a", "b", "", "c"])] == [2, 5]


def test_a_block_that_is_too_long_is_broken_and_the_next_is_read() -> None:
    long, sound = split(["abcdefgh", "abcdefgh", "abcdefgh", "", "c"], most=20)
    assert (long.number, long.why) == (1, "the block that begins here is longer than 20, which is data.max_line")
    assert sound == Line(5, "c")


def test_a_broken_line_is_passed_on_and_its_block_goes_on() -> None:
    lines = [Line(1, "a"), Line(2, "", "not UTF-8"), Line(3, "b")]
    assert list(split_text(lines, wiki=False, most=100)) == [lines[1], Line(1, "a\nb")]


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        (" = Title = ", True),
        (" = = Part = = ", True),
        ("= x =", True),
        ("x = y = z", False),
        (" = = ", False),
        ("==", False),
        ("= = =", False),
        (" = = Part = ", False),
    ],
)
def test_headings_are_told_from_text(line: str, heading: bool) -> None:
    assert is_heading(line) is heading


@pytest.mark.parametrize(
    ("lines", "wiki"),
    [
        (["a", "= b =", "c"], False),
        (["x = 1", "= b =", "", "= c ="], False),
        ([" = T = ", "", " = = S = = ", "one"], True),
        ([" = T = ", "one", " = U = ", "two", " = V = "], True),
        ([" = = S = = ", " = = = R = = = "], False),
    ],
)
def test_one_line_between_signs_makes_no_wiki_text(lines: list[str], wiki: bool) -> None:
    assert is_wiki(lines) is wiki
