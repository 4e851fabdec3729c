"""What a source gives: a Document, or a Broken record that says where it stands and what is wrong with it."""

import re
from dataclasses import dataclass

from ryot.plugins import Document

_NAMES = 8
_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that could not be read: its line, or its row where the file has rows. `lost` counts the rows where several went with it;
    `damage` says that the whole file is damaged: what was read of it may be wrong, and how much is lost nobody knows."""

    file: str
    line: int
    why: str
    lost: int = 1
    damage: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.why}"


Record = Document | Broken


def text_of(record: object, text_field: str | None) -> str:
    """The text of a parsed record: one field, or a template such as `Q: {question}`. Raises ValueError saying what is wrong."""
    if not isinstance(record, dict):
        raise ValueError(f"a JSON object is needed, this is {_kind(record)}")
    template = text_field or "text"
    if "{" in template:
        text = _FIELD.sub(lambda match: _string(record, match[1]), template.replace("\\n", "\n"))
    else:
        text = _string(record, template)
    if not text.strip():
        raise ValueError("the text is empty")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("the text holds half of a surrogate pair, which is no character") from None
    return text


def fields_of(text_field: str | None) -> list[str]:
    """The fields that `text_of` reads."""
    template = text_field or "text"
    return list(dict.fromkeys(_FIELD.findall(template))) if "{" in template else [template]


def _string(record: dict[str, object], name: str) -> str:
    if name not in record:
        others = ", ".join(list(record)[:_NAMES]) + (", ..." if len(record) > _NAMES else "")
        instead = f"; there are: {others}; name the one to read as the source's text_field" if others else ""
        raise ValueError(f"there is no field {name!r}{instead}"[:300])
    value = record[name]
    if value is None:
        raise ValueError(f"the field {name!r} is null")
    if not isinstance(value, str):
        raise ValueError(f"field {name!r} is {_kind(value)}, not a string")
    return value


def _kind(value: object) -> str:
    """What JSON calls a value."""
    names = {bool: "true or false", int: "a number", float: "a number", str: "a string", list: "an array", dict: "an object"}
    return "null" if value is None else names.get(type(value), f"a {type(value).__name__}")
