"""Plain text as documents: blocks parted by blank lines; in a WikiText file every line is a paragraph, under its headings."""

import re
from collections.abc import Iterable, Iterator

from ryot.stages.data.lines import Line

_HEADING = re.compile(r"\s*(=(?: =)*) [^=\s](?:.*[^=\s])? \1\s*")

_SURE = 3
"""So many headings are no accident."""


def is_heading(line: str) -> bool:
    """Whether a line is a WikiText heading: ` = Title = `, ` = = Section = = `."""
    return _HEADING.fullmatch(line) is not None


def is_wiki(lines: Iterable[str]) -> bool:
    """Whether lines are those of a WikiText file: with titles and headings below them, or at least three. One line between equals signs
    is found in other texts too."""
    levels: list[int] = []
    for line in lines:
        if (match := _HEADING.fullmatch(line)) is not None:
            levels.append(match[1].count("="))
            if len(levels) >= _SURE or {1, 2} <= set(levels):
                return True
    return False


def split_text(lines: Iterable[Line], *, wiki: bool, most: int) -> Iterator[Line]:
    """Documents, each with the number of its first line. Headings open the document that follows them.

    A broken line is passed on and its block goes on without it; a block of more than `most` characters is a broken one.
    """
    block = _Block(wiki, most)
    for line in lines:
        if line.why is not None:
            yield line
            continue
        heading = wiki and is_heading(line.text)
        if heading and not block.only_headings:
            yield from block.take()
        blank = not line.text.strip()
        if not blank:
            block.add(line, heading)
        if (blank or (wiki and not heading)) and not block.only_headings:
            yield from block.take()
    if not block.only_headings:
        yield from block.take()


class _Block:
    """The lines of the document that is being read."""

    def __init__(self, wiki: bool, most: int) -> None:
        self._wiki, self._most = wiki, most
        self._empty()

    def _empty(self) -> None:
        self._first, self._size, self._lines = 0, 0, list[str]()
        self.only_headings = True

    def add(self, line: Line, heading: bool) -> None:
        """One more line; what makes the block too long is not kept."""
        text = line.text.strip() if self._wiki else line.text.rstrip()
        self._first = self._first or line.number
        self._size += len(text) + 1
        self._lines += [text] if self._size <= self._most else []
        self.only_headings = self.only_headings and heading

    def take(self) -> Iterator[Line]:
        """The document, if there is one; then the block is empty."""
        if self._size > self._most:
            yield Line(self._first, "", f"the block that begins here is longer than {self._most:,}, which is data.max_line")
        elif self._lines:
            yield Line(self._first, "\n".join(self._lines))
        self._empty()
