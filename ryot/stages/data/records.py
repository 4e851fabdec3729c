"""What a source gives: a Document, or a Broken record that says where it stands and what is wrong with it."""

import hashlib
import json
import re
from dataclasses import dataclass, field

_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Document:
    """One text, with what is known of it."""

    text: str
    meta: dict[str, object] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    def line(self) -> str:
        """The document as one line of JSON, its keys sorted."""
        return json.dumps({"id": self.id, "text": self.text, "meta": self.meta}, sort_keys=True, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that could not be read."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.why}"


def text_of(record: object, text_field: str | None) -> str:
    """The text of a parsed record: one field, or a template such as `Q: {question}`. Raises ValueError saying what is wrong."""
    if not isinstance(record, dict):
        raise ValueError(f"a JSON object is needed, this is a {type(record).__name__}")
    template = text_field or "text"
    if "{" in template:
        text = _FIELD.sub(lambda match: _string(record, match[1]), template.replace("\\n", "\n"))
    else:
        text = _string(record, template)
    if not text.strip():
        raise ValueError("the text is empty")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("the text holds half of a surrogate pair, which is no character")
    return text


def _string(record: dict[str, object], name: str) -> str:
    value = record.get(name)
    if value is None:
        raise ValueError(f"there is no field {name!r}")
    if not isinstance(value, str):
        raise ValueError(f"field {name!r} is a {type(value).__name__}, not a string")
    return value
