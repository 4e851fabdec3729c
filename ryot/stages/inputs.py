"""Local files that a node reads: they are what the plan was made with, from before they were digested until the last byte was read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ryot.plugins import NodeError, digest_path

State = dict[str, list[int]]
"""Of every file its bytes, the times of its content and of its inode (ns), and its inode: a file that is written to has another."""
_HINT = "start again: it is read under its new digest"


def state_of(path: Path) -> State:
    """The State of a file, or of a folder's files by their names; of what is not there it is empty."""
    if not path.is_dir():
        return _stat(path, "")
    found: State = {}
    for root, _, names in os.walk(path):
        for name in names:
            found |= _stat(Path(root, name), os.fsencode(os.path.relpath(Path(root, name), path)).decode("utf-8", "backslashreplace"))
    return found


def prove(path: Path, digest: str, written: str) -> None:
    """Raise NodeError when a file or folder, which the spec calls `written`, is gone or not what the plan was made with."""
    try:
        found = digest_path(path)
    except OSError as error:
        raise NodeError(f"cannot read {written}: {error.strerror or 'no such file or folder'}") from error
    if found != digest:
        raise NodeError(f"{written} changed after the plan was made", hint=_HINT)


def refuse_changed(path: Path, before: State, written: str) -> None:
    """Raise NodeError when a file is not in the State it was in: what was read may be neither the old nor the new content."""
    after = state_of(path)
    if after != before:
        name = next(name for name in sorted({*before, *after}) if before.get(name) != after.get(name))
        raise NodeError(f"{Path(written, name)} changed while it was read", hint=_HINT)


@contextmanager
def proven(path: Path, digest: str, written: str) -> Iterator[Path]:
    """The path, for reading in this block. Raises NodeError when it is not what the plan was made with, before the block or after it."""
    before = state_of(path)
    prove(path, digest, written)
    yield path
    refuse_changed(path, before, written)


def _stat(path: Path, name: str) -> State:
    try:
        found = path.stat()
    except OSError:
        return {}
    return {name: [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]}
