"""Local files of text that filters read beside the documents."""

from pathlib import Path

from ryot.plugins import NodeError


def text_of(path: Path, written: str) -> str:
    """The text of a file. Raises NodeError when it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise NodeError(f"{written}: {path.name} is not UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}") from None
