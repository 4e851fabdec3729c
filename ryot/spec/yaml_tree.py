"""YAML text as plain data in which every value knows its place. One pass over the parser's events, bounded in size, depth and
aliases; duplicate keys, tags and second documents are refused. Nothing here knows what a spec is."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import Scanner

from ryot.errors import Place, SpecError

MAX_BYTES = 1 << 16
"""The reader takes up to 1.5 us for each, in long plain texts; the longest spec that is shipped has 4.3 KB."""
MAX_DEPTH = 32
MAX_ALIASES = 64
MAX_NODES = 4_200
"""Values, those of an alias counted where it stands. The reader takes some 50 us for each. The largest spec that is shipped has 149; one
with a thousand inserted stages has 4,100."""
MAX_KEYS = 1_000
"""Keys of one mapping, which are read as slowly as values are."""
_LINE_END = re.compile(r"\r\n|\n|\r")
_SURROGATE = re.compile("[\ud800-\udfff]")
_IN_FILES = "keep data in files that the spec names"
_ALIAS_HINT = "write the value out, or put it in quotes if it begins with a star"


@dataclass(frozen=True, slots=True)
class Located:
    """A value with the place where it is written, and where its key is, if it has one. `size` counts it and all below it."""

    value: Any
    place: Place
    key: Place
    size: int = 1

    def plain(self) -> Any:
        """The value without its places."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value

    def at(self, path: tuple[str | int, ...]) -> tuple[Located, int]:
        """The deepest value on a path, and how many elements of the path lead to it."""
        here, steps = self, 0
        for element in path:
            inside: Any = here.value
            if (isinstance(inside, dict) and element in inside) or (
                isinstance(inside, list) and isinstance(element, int) and element < len(inside)
            ):
                here = inside[element]  # type: ignore[index]
            else:
                break
            steps += 1
        return here, steps


def read(path: Path) -> str:
    """A spec's text. Raises SpecError for a file that is missing, too large, empty or not UTF-8."""
    start = Place(str(path), 1, 1)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SpecError(f"cannot read the spec: {error.strerror}", at=start, hint="`ryot init` writes a new one") from None
    if len(data) > MAX_BYTES:
        raise SpecError(f"the spec is larger than {MAX_BYTES >> 10} KiB", at=start, hint=_IN_FILES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SpecError(
            f"byte 0x{data[error.start]:02x} is not UTF-8", at=Place(str(path), line, 1), hint="save the file as UTF-8"
        ) from None
    if not text.strip():
        raise SpecError("the spec is empty", at=start, hint="`ryot init` writes one to start from")
    return text


def parse(text: str, name: str) -> Located:
    """The one document in `text`; `name` is what places call the file. Raises SpecError."""
    builder = _Builder(text, name)
    try:
        return builder.document()
    except MarkedYAMLError as error:
        raise builder.refusal(error) from None
    except ReaderError as error:
        line = text[: error.position].count("\n")
        what = f"the character U+{ord(error.character):04X} is not allowed" if isinstance(error.character, str) else error.reason
        raise SpecError(f"not YAML: {what}", at=_place(name, text, line, 0), hint='take it out, or write it as "\\uXXXX"') from None
    except YAMLError as error:
        raise SpecError(f"not YAML: {error}", at=Place(name, 1, 1), hint=_ANY_HINT) from None


_ANY_HINT = "look at this line's indentation, quotes and brackets, and at those of the line above"


def _yaml_hint(line: str) -> str:
    if "\t" in line:
        return "indent with spaces; YAML allows no tabs"
    if line.count(": ") > 1 and "{" not in line:
        return "put a value that contains `: ` in quotes"
    return _ANY_HINT


def _too_deep(at: Place) -> SpecError:
    return SpecError(f"nested deeper than {MAX_DEPTH} levels", at=at, hint="no part of a spec is nested so deep; close the brackets")


class _TooDeep(MarkedYAMLError):
    """More brackets are open than a spec may nest."""


class _Scanner(Scanner):
    """ruamel's, which looks for a `:` behind a thousand open brackets, each time through all of them, before it hands on the first;
    and which makes a character of any number."""

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:
        if self.flow_level > MAX_DEPTH:
            raise _TooDeep(problem_mark=self.reader.get_mark())
        super().fetch_flow_collection_start(TokenClass, to_push)

    def scan_flow_scalar_non_spaces(self, double: Any, start_mark: Any) -> Any:
        try:
            return super().scan_flow_scalar_non_spaces(double, start_mark)
        except (ValueError, OverflowError):
            problem = 'an escape names no character; they go up to "\\U0010FFFF"'
            raise MarkedYAMLError(problem=problem, problem_mark=self.reader.get_mark()) from None


def _place(name: str, text: str, line: int, column: int) -> Place:
    lines = _LINE_END.split(text)
    return Place(name, line + 1, column + 1, lines[line][:200] if line < len(lines) else "")


class _Builder:
    """Builds the tree of one document from the parser's events."""

    def __init__(self, text: str, name: str) -> None:
        yaml = YAML(typ="safe", pure=True)
        yaml.Scanner = _Scanner
        self._events: Iterator[Any] = iter(yaml.parse(text))
        self._resolver = yaml.resolver
        self._name, self._lines = name, _LINE_END.split(text)
        self._anchors: dict[str, Located | None] = {}
        self._aliases = self._nodes = 0
        self._open: list[Place | None] = []

    def document(self) -> Located:
        start = list(islice(self._events, 2))[-1]
        if type(start).__name__ != "DocumentStartEvent":
            raise SpecError("the spec holds no document", at=Place(self._name, 1, 1), hint="`ryot init` writes one to start from")
        root = self._node(next(self._events), 0, None)
        next(self._events)
        after = next(self._events)
        if type(after).__name__ == "DocumentStartEvent":
            raise SpecError("a second document begins here", at=self._at(after), hint="one file holds one spec")
        return root

    def refusal(self, error: MarkedYAMLError) -> SpecError:
        """The parser's complaint, placed where a bracket or quote opens rather than where the parser gave up on its end."""
        context, mark = str(error.context), error.problem_mark or error.context_mark
        if isinstance(error, _TooDeep):
            return _too_deep(self._place(mark))
        message = error.problem or context
        opened = self._open[-1] if context.startswith("while parsing a flow") and self._open else None
        if context.startswith("while scanning a quoted") and error.context_mark:
            opened = self._place(error.context_mark)
        if opened:
            return SpecError(f"not YAML: what opens here is not closed: {message}", at=opened, hint="close it, or put the value in quotes")
        place = self._place(mark) if mark else Place(self._name, 1, 1)
        return SpecError(f"not YAML: {message}", at=place, hint=_yaml_hint(place.text))

    def _at(self, event: Any) -> Place:
        return self._place(event.start_mark)

    def _place(self, mark: Any) -> Place:
        text = self._lines[mark.line] if mark.line < len(self._lines) else ""
        return Place(self._name, mark.line + 1, mark.column + 1, text[:200])

    def _node(self, event: Any, depth: int, key: Place | None) -> Located:
        place = self._at(event)
        self._nodes += 1
        self._open.append(place if getattr(event, "flow_style", None) is True else None)
        if depth > MAX_DEPTH:
            raise _too_deep(place)
        if self._nodes > MAX_NODES:
            raise SpecError(f"more than {MAX_NODES:,} values", at=place, hint=_IN_FILES)
        if type(event).__name__ == "AliasEvent":
            self._open.pop()
            return self._alias(event, place, key)
        if event.anchor:
            self._anchors[event.anchor] = None
        match type(event).__name__:
            case "MappingStartEvent":
                value: Any = self._mapping(event, depth)
            case "SequenceStartEvent":
                value = self._sequence(event, depth)
            case _:
                value = self._scalar(event, place)
        self._open.pop()
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        node = Located(value, place, key or place, 1 + sum(child.size for child in children))
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any, place: Place, key: Place | None) -> Located:
        target = self._anchors.get(event.anchor)
        self._aliases += 1
        if event.anchor not in self._anchors:
            raise SpecError(f"*{event.anchor} has no anchor &{event.anchor} above it", at=place, hint=_ALIAS_HINT)
        if target is None:
            raise SpecError(f"*{event.anchor} contains itself", at=place, hint="write the value out")
        self._nodes += target.size
        if self._aliases > MAX_ALIASES or self._nodes > MAX_NODES:
            raise SpecError(f"aliases expand to more than {MAX_ALIASES} uses or {MAX_NODES:,} values", at=place, hint="write values out")
        return Located(target.value, target.place, key or place, target.size)

    def _mapping(self, event: Any, depth: int) -> dict[str, Located]:
        self._refuse_tag(event, "tag:yaml.org,2002:map")
        entries: dict[str, Located] = {}
        while type(key := next(self._events)).__name__ != "MappingEndEvent":
            place = self._at(key)
            if type(key).__name__ != "ScalarEvent":
                raise SpecError("a key must be plain text", at=place, hint="write `name: value`, with a name of this section")
            if key.value in entries:
                first = entries[key.value].key.line
                raise SpecError(f"`{key.value}` is written twice; first on line {first}", at=place, hint="keep one of the two")
            if len(entries) == MAX_KEYS:
                raise SpecError(f"more than {MAX_KEYS:,} keys in one mapping", at=place, hint=_IN_FILES)
            entries[self._whole_characters(key.value, place)] = self._node(next(self._events), depth + 1, place)
        return entries

    def _sequence(self, start: Any, depth: int) -> list[Located]:
        self._refuse_tag(start, "tag:yaml.org,2002:seq")
        items = []
        while type(event := next(self._events)).__name__ != "SequenceEndEvent":
            items.append(self._node(event, depth + 1, None))
        return items

    def _refuse_tag(self, event: Any, plain: str) -> None:
        tag = str(event.tag) if event.tag is not None else None
        if tag is not None and tag not in (plain, "!"):
            raise SpecError(f"the tag {tag} is not allowed", at=self._at(event), hint="a spec is plain data; leave the tag out")

    def _scalar(self, event: Any, place: Place) -> Any:
        self._refuse_tag(event, "tag:yaml.org,2002:str")
        tag = str(self._resolver.resolve(ScalarNode, event.value, event.implicit)) if event.style is None and event.tag is None else ""
        text = event.value
        match tag.rpartition(":")[2]:
            case "null":
                return None
            case "bool":
                return text.lower() == "true" if text.lower() in ("true", "false") else text
            case "int" | "float":
                return self._number(text, place)
        return self._whole_characters(text, place)

    def _whole_characters(self, text: str, place: Place) -> str:
        """Half a character, as `"\\ud800"` names one, could be neither digested nor written to a file."""
        if _SURROGATE.search(text):
            raise SpecError("half a character: a surrogate stands alone", at=place, hint='write the character itself, or as "\\UXXXXXXXX"')
        return text

    def _number(self, text: str, place: Place) -> int | float | str:
        try:
            number = _read_number(text)
        except ValueError:
            special = {".inf": "infinity", ".nan": "not a number"}.get(text.lower().lstrip("+-"))
            if special:
                hint = "write a number, or leave the field out"
                raise SpecError(f"{text} ({special}) has no place in a spec", at=place, hint=hint) from None
            return text
        if abs(number) > sys.float_info.max:
            raise SpecError(f"{text[:40]} is too large a number", at=place, hint="write it with fewer digits")
        return number


def _read_number(text: str) -> int | float:
    """Raises ValueError for what is none after all."""
    try:
        return int(text, 0) if text.lstrip("+-")[:2].lower() in ("0x", "0o", "0b") else int(text)
    except ValueError:
        return float(text.replace("_", ""))
