"""Plain text becomes documents at blank lines, WikiText at its paragraphs."""

import pytest

from ryot.stages.data.text import is_heading, split_text

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


@pytest.mark.parametrize(("text", "documents"), CASES.values(), ids=CASES.keys())
def test_text_is_split(text: str, documents: list[str]) -> None:
    assert [found for _, found in split_text(enumerate(text.split("\n"), start=1))] == documents


def test_documents_know_their_first_line() -> None:
    assert [number for number, _ in split_text(enumerate(["", "a", "b", "", "c"], start=1))] == [2, 5]


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
