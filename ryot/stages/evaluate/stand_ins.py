"""Local files that stand in for the hub: read, checked for what an item must have, and written as lm-eval is to read them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ryot.plugins import NodeError, digest_path
from ryot.stages.data.stage import FileSource
from ryot.stages.evaluate.benchmarks import EXAMPLES, FILES, SOURCES

Item = dict[str, object]
_TITLE = re.compile(r" = [^=](.*[^=])? = ")
"""The first line of an article of WikiText; its sections' have more signs: ` = = History = = `."""


def stand_in(name: str, file: FileSource, most: int | None) -> list[Item]:
    """The first `most` items that a file holds for `name`, one of FILES; None for all.

    Raises NodeError when the file changed after the plan, is broken, or when an item lacks a column of the hub's.
    """
    path = Path(file.path)
    if not path.is_file() or digest_path(path) != file.digest:
        raise NodeError(f"evaluate.data.{name}: {file.written} is gone or changed after the plan", hint="run `ryot apply` again")
    pages = FILES[name] == "wikitext" and file.form == ".txt"
    found: list[Item] = [{"page": page} for page in articles(path.read_text(encoding="utf-8"))] if pages else list(_lines(name, file, path))
    if not found:
        raise NodeError(f"evaluate.data.{name}: {file.written} holds no item")
    return found[: None if name == EXAMPLES else most]


def articles(text: str) -> Iterator[str]:
    """The articles of a file of WikiText; each begins with its title after an empty line. Text before the first title is an article too."""
    lines = text.splitlines(keepends=True)
    starts = [at for at, line in enumerate(lines) if _TITLE.fullmatch(line.rstrip("\n").rstrip(" ") + " ") and _empty(lines, at - 1)]
    for start, end in zip([0, *starts], [*starts, len(lines)], strict=True):
        page = "".join(lines[start:end])
        if page.strip():
            yield page


def _empty(lines: Sequence[str], at: int) -> bool:
    return at < 0 or not lines[at].strip()


def _lines(name: str, file: FileSource, path: Path) -> Iterator[Item]:
    columns = SOURCES[FILES[name]].columns
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                item = json.loads(line)
            except ValueError as error:
                raise NodeError(f"evaluate.data.{name}: {file.written}, line {number} is no JSON: {error}") from None
            lacking = [column for column in columns if not isinstance(item, dict) or item.get(column) is None]
            if lacking:
                raise NodeError(
                    f"evaluate.data.{name}: {file.written}, line {number} has no {', '.join(lacking)}",
                    hint=f"an item has the hub's own columns: {', '.join(columns)}",
                )
            yield {column: item[column] for column in columns}
