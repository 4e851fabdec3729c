"""Local files that filters read beside the documents: refused when they are not what the plan was made with."""

from pathlib import Path

from ryot.plugins import NodeError, digest_path
from ryot.stages.filter.settings import LocalFile


def proven(file: LocalFile) -> Path:
    """Where a local file or folder lies. Raises NodeError when it is gone or not what was planned with."""
    path = Path(file.path)
    try:
        digest = digest_path(path)
    except OSError as error:
        raise NodeError(f"cannot read {file.written}: {error.strerror or 'no such file or folder'}") from error
    if digest != file.digest:
        raise NodeError(f"{file.written} changed after the plan was made", hint="start again: it is read under its new digest")
    return path


def text_of(path: Path, written: str) -> str:
    """The text of a file. Raises NodeError when it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise NodeError(f"{written}: {path.name} is not UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}") from None
