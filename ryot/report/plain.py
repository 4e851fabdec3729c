"""Text from elsewhere, made safe to show."""

import re

_ESCAPE = re.compile(
    r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|\[[0-?]*[ -/]*[@-~]?|[ -/]*[0-~]?)|\x9b[0-?]*[ -/]*[@-~]?"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffe\uffff]")


def plain(text: str) -> str:
    """Text without terminal escape codes, control and direction-changing characters, and lone surrogates; tabs and newlines stay."""
    return _CONTROL.sub("", _ESCAPE.sub("", text)).encode("utf-8", "replace").decode("utf-8")
