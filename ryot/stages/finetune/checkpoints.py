"""The Hugging Face trainer's checkpoints, made whole: it writes them in place, file after file, so each is sealed by a manifest of digests
that is written last. A folder without one, or with one that does not match every byte, is never taken."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ryot.plugins import digest_file, sync_path, write_durable

MANIFEST = "ryot-manifest.json"
_NAME = re.compile(r"checkpoint-(\d+)")


def seal(path: Path, identity: str, resumed: int) -> None:
    """Make a checkpoint whole. `identity` is what it was trained from, `resumed` how often its run was resumed."""
    digests = {}
    for file in _files(path):
        sync_path(file)
        digests[file.relative_to(path).as_posix()] = digest_file(file)
    sync_path(path)
    write_durable(path / MANIFEST, json.dumps({"of": identity, "resumed": resumed, "files": digests}, sort_keys=True))
    sync_path(path.parent)  # before older ones are removed


def newest(folder: Path, identity: str) -> Path | None:
    """The newest whole checkpoint of a run; all others that are not whole are removed, lest the trainer write among their files."""
    found = None
    for path in sorted(_all(folder), key=updates_of, reverse=True):
        if not whole(path, identity):
            shutil.rmtree(path)
        elif found is None:
            found = path
    return found


def whole(path: Path, identity: str) -> bool:
    """Whether a checkpoint is of this run and every byte is as it was written, with no file beside."""
    try:
        manifest: dict[str, Any] = json.loads((path / MANIFEST).read_text())
        digests: dict[str, str] = manifest["files"]
        there = {file.relative_to(path).as_posix() for file in _files(path)}
        same = manifest["of"] == identity and there == set(digests)
        return same and bool(digests) and all(digest_file(path / name) == digest for name, digest in digests.items())
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return False


def rotate(folder: Path, keep: Path) -> None:
    """Remove every checkpoint but one, which is whole."""
    for path in _all(folder):
        if path != keep:
            shutil.rmtree(path)


def updates_of(path: Path) -> int:
    """After how many updates a checkpoint was written."""
    return int(path.name.rpartition("-")[2])


def resumed_of(path: Path) -> int:
    """How often the run of a whole checkpoint was resumed before it."""
    return int(json.loads((path / MANIFEST).read_text())["resumed"])


def _all(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from [path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_dir()]


def _files(path: Path) -> Iterator[Path]:
    yield from (file for file in sorted(path.rglob("*")) if file.is_file() and file.name != MANIFEST)
