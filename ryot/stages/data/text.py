"""Plain text as documents: blocks parted by blank lines; in a WikiText file every line is a paragraph, under its headings."""

import re
from collections.abc import Iterable, Iterator

_HEADING = re.compile(r"\s*(=(?: =)*) [^=\s](?:.*[^=\s])? \1\s*")

Line = tuple[int, str]


def is_heading(line: str) -> bool:
    """Whether a line is a WikiText heading: ` = Title = `, ` = = Section = = `."""
    return _HEADING.fullmatch(line) is not None


def split_text(lines: Iterable[Line]) -> Iterator[Line]:
    """Documents as (number of their first line, text), from numbered lines. Headings open the document that follows them."""
    numbered = list(lines)
    wiki = any(is_heading(line) for _, line in numbered)
    block: list[Line] = []
    for number, line in numbered:
        blank = not line.strip()
        if wiki and block and is_heading(line) and not is_heading(block[-1][1]):
            yield from _document(block)
            block = []
        if not blank:
            block.append((number, line.strip() if wiki else line.rstrip()))
        ended = blank or (wiki and not is_heading(line))
        if ended and block and not is_heading(block[-1][1]):
            yield from _document(block)
            block = []
    if block and not all(is_heading(line) for _, line in block):
        yield from _document(block)


def _document(block: list[Line]) -> Iterator[Line]:
    yield block[0][0], "\n".join(line for _, line in block)
